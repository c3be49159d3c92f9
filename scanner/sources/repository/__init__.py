"""A repository: which files there are, what belongs together, and all of it as facts."""

CACHE_FOLDER = ".midas-cache"
"""Where a repository's own cache is, in its root."""
