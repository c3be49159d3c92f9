"""The command line: flags to settings, prints, exit codes; no logic.

Exit codes: 0 clean, 1 findings at or above the threshold, 2 usage or settings (no login, a broken snapshot or
an output that cannot be written among them), 3 incomplete under ``--strict``, 4 a fault of Midas itself,
130 interrupted.
"""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from scanner import __version__

if TYPE_CHECKING:
    from reports.report import Report
    from scanner.acquire import Wanted
    from scanner.run import Question, World
    from scanner.settings import Settings, SettingsFile
    from scanner.sources.azure.progress import Progress

CLEAN, FINDINGS, USAGE, INCOMPLETE, FAULT, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main() -> None:
    """Run the command line; every error becomes lines that say what happened, where, and what to do."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name with a character that this terminal or locale does not have must not end a scan.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else CLEAN)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    except (click.Abort, KeyboardInterrupt) as interruption:
        # click turns the interrupt into an Abort; what it interrupted stands behind it.
        said = str(interruption.__cause__ or "") or str(interruption) or "interrupted"
        click.echo(f"midas: {said}", err=True)
        sys.exit(INTERRUPTED)
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EIO, errno.EBADF):
            _fault(error)
        click.echo(f"midas: cannot write to standard output: {(error.strerror or '').lower()}", err=True)
        sys.exit(USAGE)
    except Exception as error:  # noqa: BLE001 -- the last door: what is not known below is told as Midas's own fault
        _fault(error)


def _fault(error: Exception) -> NoReturn:
    known = _known_errors()
    if isinstance(error, known):
        from reports.hostile import visible

        click.echo(f"midas: {visible(str(error))}", err=True)
        sys.exit(USAGE)
    import traceback

    traceback.print_exception(error)
    click.echo(
        f"midas {__version__}: this is a fault of Midas itself, not of your settings or your tenant: "
        "please report the lines above",
        err=True,
    )
    sys.exit(FAULT)


def _known_errors() -> tuple[type[Exception], ...]:
    from reports.write import OutputError
    from scanner.emulator import BehaviourError, EngineMissingError, PortError, TenantError
    from scanner.engine.registry import RuleError
    from scanner.facts.snapshot import SnapshotError
    from scanner.settings import SettingsError
    from scanner.sources.azure.errors import SourceError

    return (
        BehaviourError,
        EngineMissingError,
        OutputError,
        PortError,
        RuleError,
        SettingsError,
        SnapshotError,
        SourceError,
        TenantError,
    )


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="midas", message="%(prog)s %(version)s")
def cli() -> None:
    """Check how managed identities are used in an Azure tenant: orphaned, over-privileged, taken over, bypassed."""


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def apply(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


_SCOPE = _options(
    click.option(
        "--subscription",
        "subscriptions",
        multiple=True,
        metavar="ID",
        help="Scan this subscription; repeatable.",
    ),
    click.option("--management-group", metavar="ID", help="Scan everything below this management group."),
    click.option(
        "--tenant", "whole_tenant", is_flag=True, help="Scan everything in the tenant that can be read."
    ),
)
_LOGIN = _options(
    click.option(
        "--auth",
        type=click.Choice(["default", "managed-identity", "workload-identity", "azure-cli", "environment"]),
        default="default",
        show_default=True,
        help="How to sign in.",
    ),
    click.option(
        "--client-id", metavar="GUID", help="Of a user-assigned identity, with --auth managed-identity."
    ),
    click.option("--identity-resource-id", metavar="ID", help="The same, by resource id."),
    click.option("--tenant-id", metavar="GUID", help="Sign in to this directory."),
    click.option(
        "--cloud", type=click.Choice(["public", "usgovernment", "china"]), default="public", show_default=True
    ),
)
_RULES = _options(
    click.option(
        "--rules",
        "folders",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Load the rules of this folder too; repeatable.",
    ),
    click.option(
        "--select", multiple=True, metavar="CODE", help="Run only these rules: MI201, or MI2 for a family."
    ),
    click.option("--ignore", multiple=True, metavar="CODE", help="Do not run these rules."),
    click.option(
        "--config", type=click.Path(path_type=Path), metavar="FILE", help="Settings [default: ./midas.toml]."
    ),
)
_REPORTS = _options(
    click.option(
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT=FILE",
        help="Write a report: sarif=FILE, html=FILE or json=FILE; - is standard output; repeatable.",
    ),
    click.option(
        "--fail-on", metavar="SEVERITY", help="Exit with 1 from this severity on, or never [default: low]."
    ),
    click.option("--strict", is_flag=True, help="Exit with 3 when anything could not be read or judged."),
)
_FROM = _options(
    click.option(
        "--from",
        "snapshot",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Judge this snapshot, not a tenant.",
    ),
    click.option(
        "--from-export",
        "exports",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Judge rows that `az graph query` printed; repeatable.",
    ),
    click.option(
        "--complete",
        multiple=True,
        metavar="TABLE",
        help="The export holds this table whole, or all; repeatable.",
    ),
)
_QUIET = click.option("--quiet", "-q", is_flag=True, help="No progress and no summary.")


@cli.command()
@_SCOPE
@_FROM
@_LOGIN
@_RULES
@_REPORTS
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Keep what was read as a snapshot here."
)
@click.option("--resume", is_flag=True, help="Continue a scan of the same tenant that was interrupted.")
@_QUIET
def scan(**flags: Any) -> int:
    """Judge a tenant, a snapshot or an export, and write reports."""
    from scanner import run
    from scanner.settings import prepare

    outputs = _outputs(flags["outputs"])
    rules, settings = prepare(_settings_file(flags["config"]), _settings(flags))
    return _deliver(run.scan(_world(flags), rules, _with_threshold(settings, flags)), outputs, flags)


@cli.command()
@click.option(
    "--from", "snapshot", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The snapshot."
)
@_RULES
@_REPORTS
@_QUIET
def report(**flags: Any) -> int:
    """Make reports again from a snapshot."""
    from scanner import run
    from scanner.settings import prepare

    flags |= {
        "exports": (),
        "complete": (),
        "subscriptions": (),
        "management_group": None,
        "whole_tenant": False,
    }
    outputs = _outputs(flags["outputs"])
    rules, settings = prepare(_settings_file(flags["config"]), _settings(flags))
    return _deliver(run.scan(_world(flags), rules, _with_threshold(settings, flags)), outputs, flags)


@cli.command()
@_SCOPE
@_LOGIN
@_RULES
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where the snapshot goes."
)
@click.option("--resume", is_flag=True, help="Continue a collection that was interrupted.")
@click.option("--strict", is_flag=True, help="Exit with 3 when anything could not be read.")
@_QUIET
def collect(**flags: Any) -> int:
    """Read a tenant into a snapshot, without judging it."""
    from scanner import run
    from scanner.acquire import acquire
    from scanner.settings import prepare

    rules, _ = prepare(_settings_file(flags["config"]), _settings(flags))
    world = acquire(
        _request(flags),
        run.question(rules),
        out=flags["out"],
        resume=flags["resume"],
        progress=_progress(flags),
    )
    gaps = world.store.gaps()
    if not flags["quiet"]:
        click.echo(f"snapshot: {flags['out']} ({world.origin.requests} requests, {len(gaps)} gaps)", err=True)
        _print_gaps(gaps)
    return INCOMPLETE if gaps and flags["strict"] else CLEAN


@cli.command(name="rules")
@_RULES
def list_rules(**flags: Any) -> int:
    """List the rules with code, severity and name."""
    from scanner.settings import prepare

    rules, settings = prepare(_settings_file(flags["config"]), _settings(flags))
    for rule in rules:
        meta = rule.meta
        severity = settings.severities.get(meta.id, meta.severity)
        click.echo(f"{meta.id}  {severity:8}  {meta.name}")
        for parameter in meta.parameters:
            click.echo(
                f"                 {parameter.name} = {_toml(parameter.default)}  ({parameter.meaning})"
            )
    return CLEAN


@cli.command()
@click.argument("code")
@_RULES
def explain(code: str, **flags: Any) -> int:
    """Print the page of a rule: what it finds, why it matters, how to fix it."""
    from scanner.settings import prepare

    rules, settings = prepare(_settings_file(flags["config"]), _settings(flags))
    for rule in rules:
        if code.upper() == rule.meta.id or code.lower() == rule.meta.name:
            severity = settings.severities.get(rule.meta.id, rule.meta.severity)
            click.echo(f"# {rule.meta.id} {rule.meta.name} ({severity})\n\n{rule.page}")
            return CLEAN
    raise click.UsageError(f"there is no rule {code!r}; `midas rules` lists them")


@cli.command(name="test")
@_RULES
def try_rules(**flags: Any) -> int:
    """Try rules on their own cases: for authors of rules."""
    from scanner.engine.casework import try_rule
    from scanner.settings import prepare

    rules, _ = prepare(_settings_file(flags["config"]), _settings(flags))
    wrong = 0
    for rule in rules:
        problems = try_rule(rule)
        wrong += bool(problems)
        click.echo(
            f"{rule.meta.id}  {'FAILED' if problems else 'ok':6}  {len(rule.cases):3} cases  {rule.meta.name}"
        )
        for problem in problems:
            click.echo(f"    {problem}")
    click.echo(f"{len(rules) - wrong} of {len(rules)} rules do what their cases say")
    return FINDINGS if wrong else CLEAN


@cli.command()
@click.option(
    "--tenant",
    "tenant",
    default="contoso",
    show_default=True,
    metavar="NAME|FILE",
    help="Which tenant to be.",
)
@click.option(
    "--scale", metavar="S,I,A", help="Invent a tenant: numbers of subscriptions, identities, assignments."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="Port on loopback [default: a free one].",
)
@click.option(
    "--set", "switches", multiple=True, metavar="NAME=VALUE", help="A switch of behaviour; repeatable."
)
def emulate(tenant: str, scale: str | None, port: int, switches: tuple[str, ...]) -> int:
    """Be a local Azure that answers the real SDK clients, until interrupted."""
    from scanner.emulator import Behaviour, generate, load_tenant, parse_scale, serve, with_switches

    behaviour = with_switches(Behaviour(), switches)
    chosen = load_tenant(tenant) if scale is None else generate(parse_scale(scale))
    writes = serve(chosen, port, behaviour, lambda line: click.echo(line, err=True))
    return FINDINGS if writes else CLEAN


@cli.command()
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("demo-output"), show_default=True, metavar="DIR"
)
@click.option(
    "--tenant", default="contoso", show_default=True, metavar="NAME|FILE", help="Which tenant to scan."
)
def demo(out: Path, tenant: str) -> int:
    """Scan a sample tenant that runs on this machine, and write SARIF, HTML and JSON."""
    from scanner.demo import demonstrate

    code = demonstrate(out, tenant)
    return CLEAN if code == FINDINGS else code


# ---- from flags


def _settings_file(path: Path | None) -> SettingsFile | None:
    from scanner.settings import SettingsFile, find_file

    path = path or find_file(Path())
    return None if path is None else SettingsFile(path)


def _settings(flags: dict[str, Any]) -> Settings:
    from scanner.settings import Settings, SettingsError

    for option in ("select", "ignore"):
        for code in flags[option]:
            if not code:
                raise SettingsError(f"--{option} needs a code, such as MI201 or MI2")
    return Settings(select=flags["select"], ignore=flags["ignore"], rules=flags["folders"])


def _with_threshold(settings: Settings, flags: dict[str, Any]) -> Settings:
    import msgspec

    from scanner.settings import SettingsError, severity_or_never

    if flags["fail_on"] is None:
        return settings
    threshold = severity_or_never(flags["fail_on"], lambda text: SettingsError(f"--fail-on: {text}"))
    return msgspec.structs.replace(settings, fail_on=threshold)


def _world(flags: dict[str, Any]) -> Callable[[Question], World]:
    from scanner.acquire import acquire, open_export, open_snapshot

    live = bool(flags["subscriptions"] or flags["management_group"] or flags["whole_tenant"])
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
    request = _request(flags)
    return lambda wanted: acquire(
        request, wanted, out=flags["out"], resume=flags["resume"], progress=_progress(flags)
    )


def _request(flags: dict[str, Any]) -> Wanted:
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


def _outputs(values: Sequence[str]) -> list[tuple[str, str]]:
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


def _progress(flags: dict[str, Any]) -> AbstractContextManager[Progress]:
    from scanner.sources.azure.progress import BarProgress, LineProgress, SilentProgress

    if flags["quiet"]:
        return nullcontext(SilentProgress())
    if not sys.stderr.isatty():
        return nullcontext(LineProgress(sys.stderr))
    from rich.console import Console

    return BarProgress(Console(stderr=True))


# ---- to people


def _deliver(report: Report, outputs: list[tuple[str, str]], flags: dict[str, Any]) -> int:
    from reports.terminal import show
    from reports.write import write
    from scanner.engine.policy import reaches

    for kind, destination in outputs:
        write(report, kind, destination)
    if not flags["quiet"]:
        files = [(kind, destination) for kind, destination in outputs if destination != "-"]
        show(report, files=files, stream=sys.stderr if len(files) < len(outputs) else sys.stdout)
    if reaches(report.findings, report.threshold):
        return FINDINGS
    unknown = any(rule.unknown for rule in report.rules)
    return INCOMPLETE if flags["strict"] and (unknown or not report.run.complete) else CLEAN


def _print_gaps(gaps: Sequence[dict[str, str]]) -> None:
    from reports.hostile import visible

    for gap in gaps[:20]:
        click.echo(
            visible(f"not read: {gap['table']} of {gap['scope_id']}: {gap['reason']}. {gap['detail']}"),
            err=True,
        )
    if len(gaps) > 20:
        click.echo(f"and {len(gaps) - 20} more gaps, listed in every report", err=True)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
