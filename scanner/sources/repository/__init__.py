"""A repository: which files there are, what belongs together, and all of it as facts."""
