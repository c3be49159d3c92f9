"""The options that commands share, as they are spelt; :mod:`scanner.flags` says what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


def _options(*options: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def apply(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


SCOPE = _options(
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
LOGIN = _options(
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
RULES = _options(
    click.option(
        "--rules",
        "folders",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Load the rules of this folder too; repeatable.",
    ),
    click.option(
        "--select",
        multiple=True,
        metavar="CODE",
        help="Run only these rules: MI201, or MI2 for a family; repeatable, or with commas.",
    ),
    click.option("--ignore", multiple=True, metavar="CODE", help="Do not run these rules."),
    click.option(
        "--config", type=click.Path(path_type=Path), metavar="FILE", help="Settings [default: ./midas.toml]."
    ),
)
REPORTS = _options(
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
FROM = _options(
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
PATHS = click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
CHANGE = _options(
    click.option(
        "--since",
        is_flag=False,
        flag_value="auto",
        metavar="[REF]",
        help="Report only what changed since the branch left REF [alone, in a pull request's job: its target].",
    ),
    click.option(
        "--against",
        metavar="DIR|azure",
        help="Judge the code with the tenant it goes to: a snapshot, or azure and which part of it.",
    ),
    click.option(
        "--fix", is_flag=True, help="Make the plain edits that need nothing else, then check again."
    ),
    click.option(
        "--fix-all",
        is_flag=True,
        help="Make also those that need something else first; what, is told for each rule.",
    ),
    click.option(
        "--diff", is_flag=True, help="With --fix or --fix-all: show the edits, secrets masked, and make none."
    ),
)
IN_CODE = click.option(
    "--code",
    "code",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Point findings at the infrastructure files here that declare what they are about; repeatable.",
)
STATE = click.option(
    "--state",
    "states",
    multiple=True,
    metavar="[FOLDER=]FILE",
    help="The Terraform state of a root module [default: that of the file's own folder]: what is which resource of "
    "the tenant; repeatable.",
)
DEPLOYED_TO = click.option(
    "--deployed-to",
    "deployed_to",
    multiple=True,
    metavar="[PATH=]ID",
    help="The subscription or resource group of the tenant that code goes to which does not say it, all of it or "
    "what is deployed from PATH; repeatable.",
)
BASELINE = click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Accept the findings of this file, which `midas baseline` writes.",
)
CODE = _options(
    click.option(
        "--cache",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Keep what was read here [default: .midas-cache of the repository, where that saves time].",
    ),
    click.option("--no-cache", is_flag=True, help="Read everything anew, and keep nothing."),
)
QUIET = click.option("--quiet", "-q", is_flag=True, help="No progress and no summary.")
