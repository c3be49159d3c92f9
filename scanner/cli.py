"""The command line: flags to settings, prints, exit codes; no logic.

Exit codes: 0 clean, 1 findings at or above the threshold, 2 usage or settings (no login, a broken snapshot or
an output that cannot be written among them), 3 incomplete under ``--strict``, 4 a fault of Midas itself,
130 interrupted.
"""

from __future__ import annotations

import errno
import io
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from scanner import __version__
from scanner.errors import UserError
from scanner.flags import (
    code_of,
    is_of_tenant,
    outputs_of,
    pointing_at_code,
    progress_of,
    request_of,
    settings_file,
    settings_of,
    tenant_of,
    with_threshold,
    world_of,
)
from scanner.options import (
    BASELINE,
    CHANGE,
    CODE,
    DEPLOYED_TO,
    FROM,
    IN_CODE,
    LOGIN,
    PATHS,
    QUIET,
    REPORTS,
    RULES,
    SCOPE,
    STATE,
)

if TYPE_CHECKING:
    from reports.report import Report
    from scanner.engine.apply_fixes import Applied
    from scanner.engine.source_files import SourceFiles
    from scanner.question import Question
    from scanner.world import World

CLEAN, FINDINGS, USAGE, INCOMPLETE, FAULT, INTERRUPTED = 0, 1, 2, 3, 4, 130


def main() -> None:
    """Run the command line; every error becomes lines that say what happened, where, and what to do."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name with a character that this terminal or locale does not have must not end a scan.
            stream.reconfigure(errors="backslashreplace")
    # A job that is told to stop is interrupted as a person would do it: what was read is kept and told of.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = cli.main(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else CLEAN)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(USAGE)
    except UserError as error:
        from reports.hostile import visible

        click.echo(f"midas: {visible(str(error))}", err=True)
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
    import traceback

    traceback.print_exception(error)
    click.echo(
        f"midas {__version__}: this is a fault of Midas itself, not of your settings or your tenant: "
        "please report the lines above",
        err=True,
    )
    sys.exit(FAULT)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="midas", message="%(prog)s %(version)s")
def cli() -> None:
    """Check how managed identities are used, in Azure and in code: orphaned, over-privileged, taken over, bypassed."""


@cli.command()
@SCOPE
@FROM
@LOGIN
@RULES
@REPORTS
@BASELINE
@IN_CODE
@STATE
@DEPLOYED_TO
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Keep what was read as a snapshot here."
)
@click.option("--resume", is_flag=True, help="Continue a scan of the same tenant that was interrupted.")
@QUIET
def scan(**flags: Any) -> int:
    """Judge a tenant, a snapshot or an export, and write reports."""
    from scanner import run
    from scanner.question import question_to_keep
    from scanner.rule import Stage
    from scanner.settings import prepare
    from scanner.world import asking

    outputs = outputs_of(flags["outputs"])
    rules, settings = prepare(settings_file(flags["config"]), settings_of(flags), Stage.DEPLOYED)
    open_world = world_of(flags)
    if flags["out"] is not None:
        every_rule, _ = prepare(settings_file(flags["config"]), settings_of(flags))
        open_world = asking(question_to_keep(every_rule), open_world)
    open_world = pointing_at_code(open_world, flags["code"], flags)
    return _deliver(run.scan(open_world, rules, with_threshold(settings, flags)), outputs, flags)


@cli.command()
@PATHS
@RULES
@REPORTS
@BASELINE
@CHANGE
@STATE
@DEPLOYED_TO
@CODE
@SCOPE
@LOGIN
@QUIET
def check(paths: tuple[Path, ...], **flags: Any) -> int:
    """Judge infrastructure files before anything is deployed: Terraform, plans, Bicep and ARM templates.

    PATH is a file or a folder; the working folder when none is given. A file is judged with the rest of its Terraform
    module, a template with its parameter files.
    """
    from scanner import run
    from scanner.code_world import fix, open_repository
    from scanner.judging_ahead import judging_ahead
    from scanner.rule import Stage
    from scanner.settings import prepare

    if flags["diff"] and not (flags["fix"] or flags["fix_all"]):
        raise click.UsageError("--diff shows what --fix or --fix-all would do: give one of them, too")
    outputs = outputs_of(flags["outputs"])
    rules, settings = prepare(settings_file(flags["config"]), settings_of(flags), Stage.DECLARED)
    settings, code, tenant = with_threshold(settings, flags), code_of(paths, flags), tenant_of(flags)

    def import_writers() -> None:
        _import_writers(outputs, flags)

    with judging_ahead(code, rules, settings, alone=tenant is None, meanwhile=import_writers) as standby:

        def open_world(wanted: Question) -> World:
            return open_repository(code, wanted, against=tenant, standby=standby)

        report = run.scan(open_world, rules, settings)
        if flags["fix"] or flags["fix_all"]:
            applied = fix(report, code, also_needing=flags["fix_all"], make=not flags["diff"])
            _print_fixed(applied, report.sources, flags)
            if applied.files and not flags["diff"]:
                report = run.scan(open_world, rules, settings)
        return _deliver(report, outputs, flags)


@cli.command()
@PATHS
@SCOPE
@FROM
@LOGIN
@RULES
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("midas-baseline.json"),
    show_default=True,
    metavar="FILE",
    help="The file to write.",
)
@click.option("--reason", default="", metavar="TEXT", help="Why the findings that are new in it may stay.")
@CODE
@QUIET
def baseline(paths: tuple[Path, ...], **flags: Any) -> int:
    """Write down the findings there are, so that only later ones count: of code, or of a tenant."""
    from scanner.code_world import open_repository
    from scanner.draw_baseline import draw
    from scanner.rule import Stage
    from scanner.settings import prepare

    of_tenant = is_of_tenant(flags)
    if paths and of_tenant:
        raise click.UsageError("a baseline is of code or of a tenant: give PATHs, or say which tenant")
    stage = Stage.DEPLOYED if of_tenant else Stage.DECLARED
    rules, settings = prepare(settings_file(flags["config"]), settings_of(flags), stage)
    code, path = code_of(paths, flags), flags["out"]
    open_world = (
        world_of(flags | {"out": None}) if of_tenant else lambda wanted: open_repository(code, wanted)
    )
    drawn, kept = draw(open_world, rules, settings, path, reason=flags["reason"])
    if not flags["quiet"]:
        them = "it" if drawn + kept == 1 else "them"
        more = f" and {kept:,} kept that could not be looked for" if kept else ""
        click.echo(
            f"{path}: {_count(drawn, 'finding')} written down{more}; --baseline {path} accepts {them}",
            err=True,
        )
    return CLEAN


@cli.command()
@click.option(
    "--from", "snapshot", required=True, type=click.Path(path_type=Path), metavar="DIR", help="The snapshot."
)
@RULES
@REPORTS
@BASELINE
@QUIET
def report(**flags: Any) -> int:
    """Make reports again from a snapshot."""
    from scanner import run
    from scanner.acquire import open_snapshot
    from scanner.rule import Stage
    from scanner.settings import prepare

    outputs = outputs_of(flags["outputs"])
    rules, settings = prepare(settings_file(flags["config"]), settings_of(flags), Stage.DEPLOYED)

    def open_world(wanted: Question) -> World:
        return open_snapshot(flags["snapshot"], wanted)

    return _deliver(run.scan(open_world, rules, with_threshold(settings, flags)), outputs, flags)


@cli.command()
@SCOPE
@LOGIN
@RULES
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where the snapshot goes."
)
@click.option("--resume", is_flag=True, help="Continue a collection that was interrupted.")
@click.option("--strict", is_flag=True, help="Exit with 3 when anything could not be read.")
@QUIET
def collect(**flags: Any) -> int:
    """Read a tenant into a snapshot, without judging it."""
    from scanner.acquire import acquire
    from scanner.question import question_to_keep
    from scanner.settings import prepare

    rules, _ = prepare(settings_file(flags["config"]), settings_of(flags))
    world = acquire(
        request_of(flags),
        question_to_keep(rules),
        out=flags["out"],
        resume=flags["resume"],
        progress=progress_of(flags),
    )
    gaps = world.store.gaps()
    if not flags["quiet"]:
        click.echo(f"snapshot: {flags['out']} ({world.origin.requests} requests, {len(gaps)} gaps)", err=True)
        _print_gaps(gaps)
    return INCOMPLETE if gaps and flags["strict"] else CLEAN


@cli.command(name="rules")
@RULES
def list_rules(**flags: Any) -> int:
    """List the rules with code, severity and name."""
    from scanner.settings import prepare

    rules, settings = prepare(settings_file(flags["config"]), settings_of(flags))
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
@RULES
def explain(code: str, **flags: Any) -> int:
    """Print the page of a rule: what it finds, why it matters, how to fix it, and code before and after."""
    from scanner.engine.examples import page_with_examples
    from scanner.settings import prepare

    rules, settings = prepare(settings_file(flags["config"]), settings_of(flags))
    for rule in rules:
        if code.upper() == rule.meta.id or code.lower() == rule.meta.name:
            severity = settings.severities.get(rule.meta.id, rule.meta.severity)
            click.echo(f"# {rule.meta.id} {rule.meta.name} ({severity})\n\n{page_with_examples(rule)}")
            return CLEAN
    raise click.UsageError(f"there is no rule {code!r}; `midas rules` lists them")


@cli.command(name="test")
@RULES
def try_rules(**flags: Any) -> int:
    """Try rules on their own cases: for authors of rules."""
    from scanner.engine.casework import try_rule
    from scanner.settings import prepare

    rules, _ = prepare(settings_file(flags["config"]), settings_of(flags))
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


# ---- to people


def _deliver(report: Report, outputs: list[tuple[str, str]], flags: dict[str, Any]) -> int:
    from reports.write import write
    from scanner.engine.policy import reaches

    for kind, destination in outputs:
        write(report, kind, destination)
    if not flags["quiet"]:
        from reports.terminal import show

        files = [(kind, destination) for kind, destination in outputs if destination != "-"]
        show(report, files=files, stream=sys.stderr if len(files) < len(outputs) else sys.stdout)
    if reaches(report.findings, report.threshold):
        return FINDINGS
    unknown = any(rule.unknown for rule in report.rules)
    return INCOMPLETE if flags["strict"] and (unknown or not report.run.complete) else CLEAN


def _import_writers(outputs: list[tuple[str, str]], flags: dict[str, Any]) -> None:
    """Import what :func:`_deliver` will use."""
    from reports.write import writer

    for kind in {*(kind for kind, _ in outputs), *(() if flags["quiet"] else ("text",))}:
        writer(kind)


def _print_fixed(applied: Applied, sources: SourceFiles | None, flags: dict[str, Any]) -> None:
    from reports.fixed import diff, told

    if flags["diff"] and sources is not None:
        # A report on standard output is not mixed with anything else.
        to_error = any(value.endswith("=-") for value in flags["outputs"])
        for line in diff(applied, sources):
            click.echo(line, err=to_error)
    for line in told(applied, made=not flags["diff"]):
        click.echo(line, err=True)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


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
