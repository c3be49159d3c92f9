"""Which commit a change is compared with, as the job of a pull request tells."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.settings import SettingsError

AUTO = "auto"
"""Stands for the commit where the branch of a pull request left its target, as the job that runs Midas tells."""


def base_names(since: str, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names by which to look for the commit to compare with; :class:`SettingsError` when none is told.

    For ``auto``: GitHub Actions, Azure Pipelines and GitLab name the branch that a pull request goes to.
    """
    if not since.strip():
        raise SettingsError(
            "--since: the name of the commit or branch is empty; a variable of the job may not be set"
        )
    if since != AUTO:
        return (since,)
    names: list[str] = []
    if branch := environment.get("GITHUB_BASE_REF"):
        names = [f"origin/{branch}", branch]
        if environment.get("GITHUB_REF", "").endswith("/merge"):
            # What is checked out is the merge of both: its first parent is the target, also in a shallow clone.
            names.append("HEAD^1")
    elif branch := environment.get("SYSTEM_PULLREQUEST_TARGETBRANCH"):
        branch = branch.removeprefix("refs/heads/")
        names = [f"origin/{branch}", branch]
        if environment.get("BUILD_SOURCEBRANCH", "").endswith("/merge"):
            names.append("HEAD^1")
    elif commit := environment.get("CI_MERGE_REQUEST_DIFF_BASE_SHA"):
        names = [commit]
    if not names:
        raise SettingsError(
            "--since: no job of a pull request in GitHub Actions, Azure Pipelines or GitLab says what to compare with; "
            "name a commit or branch: --since main"
        )
    return tuple(names)
