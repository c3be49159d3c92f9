"""Where in a tenant a repository's code goes, and what there is to say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.sources.declared.naming import NO_GROUP

if TYPE_CHECKING:
    from scanner.facts.store import FactStore
    from scanner.sources.repository.read import Repository

_NAMED = 3
"""Deployments that a notice names."""


def placed(tenant: FactStore, repository: Repository) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return which of the tenant's subscriptions and groups the code is deployed to, and what could not be told."""
    from scanner.facts.placement import place_in

    state = repository.state
    placement = place_in(tenant, state.tails())
    notices = [
        f"{_deployment(code)} could be deployed to {' or '.join(several)}, so it was taken for something apart"
        for code, several in placement.unsure.items()
    ]
    unsure = {_deployment(code) for code in placement.unsure}
    nowhere = sorted({_deployment(code) for code in placement.nowhere} - unsure)
    if nowhere:
        more = f" and {len(nowhere) - _NAMED:,} more" if len(nowhere) > _NAMED else ""
        notices.append(
            f"nothing says where in the tenant {', '.join(nowhere[:_NAMED])}{more} is deployed to, so it was taken for "
            "something apart: ids in the code, names that are there already, or --state say it"
        )
    ids = None
    for folder, known in repository.states.items():
        ids = frozenset(state.ids()) if ids is None else ids
        if known and not any(arm_id.lower().rstrip("/") in ids for arm_id in known.values()):
            notices.append(
                f"the state given for {folder} holds nothing that is declared there ({len(known):,} "
                f"id{'' if len(known) == 1 else 's'}): is it the state of another root module?"
            )
    return placement.found, tuple(notices)


def _deployment(code: str) -> str:
    """Return the file or folder that a subscription or group of code's own is called after."""
    parts = [part.removeprefix(NO_GROUP) for part in code.split("/")]
    unit = next((part for part in parts if "(" in part), code)
    name = unit[unit.find("(") + 1 :].partition(")")[0]
    return "the root folder" if name == "." else name.replace(":", "/").replace("%3a", ":")
