"""Where in a tenant a repository's code goes, and what there is to say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.sources.declared.naming import NO_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scanner.facts.store import FactStore
    from scanner.sources.repository.read import Repository

_NAMED = 3
"""Deployments that a notice names."""


def placed(
    tenant: FactStore, repository: Repository, deployed_to: Sequence[tuple[str | None, str]] = ()
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return which of the tenant's subscriptions and groups the code is deployed to, and what could not be told.

    ``deployed_to`` says it for paths (None: everywhere) of code that does not; the longest path counts.
    """
    from scanner.facts.placement import place_in

    state = repository.state
    tails = state.tails()
    told, notices = _told(tails, deployed_to)
    notices += _not_there(tenant, told)
    placement = place_in(tenant, tails, told)
    notices += [
        f"{_deployment(code)} could be deployed to {' or '.join(several)}, so it was taken for something apart"
        for code, several in placement.unsure.items()
    ]
    unsure = {_deployment(code) for code in placement.unsure}
    nowhere = sorted({_deployment(code) for code in placement.nowhere} - unsure)
    if nowhere:
        more = f" and {len(nowhere) - _NAMED:,} more" if len(nowhere) > _NAMED else ""
        notices.append(
            f"nothing says where in the tenant {', '.join(nowhere[:_NAMED])}{more} is deployed to, so it was taken for "
            "something apart: ids in the code, names that are there already, --state or --deployed-to say it"
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


def _told(
    tails: Iterable[str], deployed_to: Sequence[tuple[str | None, str]]
) -> tuple[dict[str, str], list[str]]:
    """Return where the subscriptions and groups are that code does not give, as far as somebody has told."""
    told: dict[str, str] = {}
    idle = {path for path, _ in deployed_to}
    for code in tails:
        unit = "." if _unit(code) == "." else _unit(code).lower()
        fitting = [(path, place) for path, place in deployed_to if path is None or _is_below(unit, path)]
        if not fitting:
            continue
        path, place = max(fitting, key=lambda one: len(one[0] or ""))
        idle.discard(path)
        subscription = "/".join(place.split("/")[:3])
        if "/resourcegroups/" not in code:
            told[code] = subscription
        elif place != subscription:
            told[code] = place
    unused = sorted(path or "everything" for path in idle)
    return told, [f"--deployed-to for {path}: nothing there leaves open where it goes" for path in unused]


def _is_below(unit: str, path: str) -> bool:
    folder = path.lower().replace("\\", "/").removeprefix("./").rstrip("/")
    return folder in ("", ".") or unit == folder or unit.startswith(f"{folder}/")


def _not_there(tenant: FactStore, told: dict[str, str]) -> list[str]:
    """Say of places that the tenant does not have them: a new resource group, or a slip of the pen."""
    import polars as pl

    same = pl.col("id").str.to_lowercase()
    wanted = pl.Series(sorted({place.lower() for place in told.values()}), dtype=pl.String).implode()
    there = tenant.frame("entities").filter(same.is_in(wanted)).select(same).collect().to_series().to_list()
    missing = sorted({place for place in told.values() if place.lower() not in there})
    return [f"--deployed-to: {place} is not in what was read of the tenant" for place in missing]


def _deployment(code: str) -> str:
    """Return what a subscription or group of code's own is called after, in words."""
    unit = _unit(code)
    return "the root folder" if unit == "." else unit


def _unit(code: str) -> str:
    """Return the file or folder that a subscription or group of code's own is called after."""
    parts = [part.removeprefix(NO_GROUP) for part in code.split("/")]
    unit = next((part for part in parts if "(" in part), code)
    name = unit[unit.find("(") + 1 :].partition(")")[0]
    return name.replace(":", "/").replace("%3a", ":")
