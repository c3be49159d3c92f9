"""What the flags of a command become. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from scanner.acquire import Wanted
    from scanner.code_world import CodeWanted
    from scanner.settings import Settings, SettingsFile
    from scanner.sources.azure.progress import Progress
    from scanner.world import OpensWorld

_DESTINATION = r"(?i)/subscriptions/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:/resourceGroups/[^/]+)?/?"


def settings_file(path: Path | None) -> SettingsFile | None:
    """Open the settings file that was named, or the one found here; None when there is none."""
    from scanner.settings import SettingsFile, find_file

    path = path or find_file(Path())
    return None if path is None else SettingsFile(path)


def settings_of(flags: dict[str, Any]) -> Settings:
    """Return what the flags say of settings."""
    from scanner.settings import Settings, SettingsError

    codes = {
        option: tuple(code.strip() for given in flags[option] for code in given.split(","))
        for option in ("select", "ignore")
    }
    for option, given in codes.items():
        if not all(given):
            raise SettingsError(f"--{option} needs a code, such as MI201 or MI2")
    return Settings(
        select=codes["select"],
        ignore=codes["ignore"],
        rules=flags["folders"],
        baseline=flags.get("baseline"),
    )


def with_threshold(settings: Settings, flags: dict[str, Any]) -> Settings:
    """Put --fail-on on top of the settings."""
    import msgspec

    from scanner.settings import SettingsError, severity_or_never

    if flags["fail_on"] is None:
        return settings
    threshold = severity_or_never(flags["fail_on"], lambda text: SettingsError(f"--fail-on: {text}"))
    return msgspec.structs.replace(settings, fail_on=threshold)


def world_of(flags: dict[str, Any]) -> OpensWorld:
    """Return what opens the world to judge: a tenant, a snapshot or an export, exactly one of them."""
    from scanner.acquire import acquire, open_export, open_snapshot

    live = _is_live(flags)
    if sum([live, flags["snapshot"] is not None, bool(flags["exports"])]) != 1:
        raise click.UsageError(
            "say what to judge: --subscription ID, --management-group ID, --tenant, --from DIR or --from-export FILE"
        )
    if flags["complete"] and not flags["exports"]:
        raise click.UsageError("--complete speaks of an export: it goes with --from-export")
    if not live and (flags.get("out") or flags.get("resume")):
        raise click.UsageError(
            "--out and --resume speak of reading a tenant: they go with --subscription and the like"
        )
    if flags["snapshot"] is not None:
        return lambda wanted: open_snapshot(flags["snapshot"], wanted)
    if flags["exports"]:
        return lambda wanted: open_export(flags["exports"], flags["complete"], wanted)
    request = request_of(flags)
    return lambda wanted: acquire(
        request, wanted, out=flags["out"], resume=flags["resume"], progress=progress_of(flags)
    )


def code_of(paths: tuple[Path, ...], flags: dict[str, Any]) -> CodeWanted:
    """Return which code to read and how."""
    from scanner.code_world import CodeWanted

    if flags["cache"] is not None and flags["no_cache"]:
        raise click.UsageError("--cache and --no-cache exclude each other")
    return CodeWanted(
        paths=paths or (Path(),),
        use_cache=not flags["no_cache"],
        cache=flags["cache"],
        since=flags.get("since"),
        states=_states_of(flags),
        deployed_to=_destinations_of(flags),
    )


def _states_of(flags: dict[str, Any]) -> tuple[tuple[str | None, Path], ...]:
    states = []
    for given in flags.get("states", ()):
        folder, equals, file = given.rpartition("=")
        states.append((folder if equals else None, Path(file)))
    return tuple(states)


def _destinations_of(flags: dict[str, Any]) -> tuple[tuple[str | None, str], ...]:
    found = []
    for given in flags.get("deployed_to", ()):
        path, equals, destination = given.rpartition("=")
        if not re.fullmatch(_DESTINATION, destination):
            raise click.UsageError(
                f"--deployed-to {given}: give the Azure id of a subscription or of a resource group, such as "
                "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/shop"
            )
        found.append((path if equals else None, destination.rstrip("/")))
    return tuple(found)


def pointing_at_code(open_world: OpensWorld, paths: tuple[Path, ...], flags: dict[str, Any]) -> OpensWorld:
    """Return what opens a tenant so that its findings point at the code that declares what they are about."""
    from scanner.code_world import CodeWanted, with_code

    if not paths:
        if flags["states"]:
            raise click.UsageError("--state goes with --code: it says which resources that code has made")
        if flags["deployed_to"]:
            raise click.UsageError("--deployed-to goes with --code: it says where that code is deployed to")
        return open_world
    code = CodeWanted(paths=paths, states=_states_of(flags), deployed_to=_destinations_of(flags))
    return lambda wanted: with_code(open_world, code, wanted)


def tenant_of(flags: dict[str, Any]) -> OpensWorld | None:
    """Return what opens the tenant that --against names; None without it."""
    from scanner.acquire import acquire, open_snapshot

    against = flags["against"]
    if _is_live(flags) and against != "azure":
        raise click.UsageError("--subscription, --management-group and --tenant go with --against azure")
    if against is None:
        if flags["deployed_to"]:
            raise click.UsageError(
                "--deployed-to goes with --against: it says where in that tenant code goes"
            )
        return None
    if against != "azure":
        return lambda wanted: open_snapshot(Path(against), wanted)
    request = request_of(flags)
    return lambda wanted: acquire(request, wanted, out=None, resume=False, progress=progress_of(flags))


def is_of_tenant(flags: dict[str, Any]) -> bool:
    """Whether the flags name a tenant, a snapshot or an export."""
    return _is_live(flags) or flags["snapshot"] is not None or bool(flags["exports"])


def _is_live(flags: dict[str, Any]) -> bool:
    return bool(flags["subscriptions"] or flags["management_group"] or flags["whole_tenant"])


def request_of(flags: dict[str, Any]) -> Wanted:
    """Return what to read from Azure and as whom."""
    from scanner.acquire import Wanted
    from scanner.sources.azure.request import AuthSettings, ScanScope

    given = [bool(flags["subscriptions"]), flags["management_group"] is not None, flags["whole_tenant"]]
    if sum(given) != 1:
        raise click.UsageError("say what to read, one of: --subscription ID, --management-group ID, --tenant")
    if (flags["client_id"] or flags["identity_resource_id"]) and flags["auth"] != "managed-identity":
        raise click.UsageError("--client-id and --identity-resource-id go with --auth managed-identity")
    if flags["client_id"] and flags["identity_resource_id"]:
        raise click.UsageError("--client-id and --identity-resource-id name the same thing: give one")
    scope = ScanScope(subscriptions=tuple(flags["subscriptions"]), management_group=flags["management_group"])
    auth = AuthSettings(
        method=flags["auth"],
        client_id=flags["client_id"],
        identity_resource_id=flags["identity_resource_id"],
        tenant_id=flags["tenant_id"],
    )
    return Wanted(scope=scope, auth=auth, cloud=flags["cloud"])


def outputs_of(values: Sequence[str]) -> list[tuple[str, str]]:
    """Return (format, destination) of every --output, each of which can be written."""
    from reports.write import FORMATS, check

    outputs = []
    for value in values:
        kind, equals, destination = value.partition("=")
        if kind not in FORMATS or not equals or not destination:
            raise click.UsageError(
                f"--output {value}: write it as FORMAT=FILE, FORMAT one of {', '.join(FORMATS)}"
            )
        check(kind, destination)
        outputs.append((kind, destination))
    destinations = [destination for _, destination in outputs]
    if destinations.count("-") > 1:
        raise click.UsageError("only one --output can go to standard output")
    for destination in destinations:
        if destinations.count(destination) > 1:
            raise click.UsageError(f"two --output options write to {destination}: give each its own file")
    return outputs


def progress_of(flags: dict[str, Any]) -> AbstractContextManager[Progress]:
    """Return what shows progress: bars on a terminal, lines elsewhere, nothing with --quiet."""
    from scanner.sources.azure.progress import BarProgress, LineProgress, SilentProgress

    if flags["quiet"] or sys.stderr is None:  # closed by whoever started us
        return nullcontext(SilentProgress())
    if not sys.stderr.isatty():
        return nullcontext(LineProgress(sys.stderr))
    from rich.console import Console

    return BarProgress(Console(stderr=True))
