"""``import`` blocks: which thing that is in Azure already a resource takes over, told by its id.

https://developer.hashicorp.com/terraform/language/import
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from scanner.sources.terraform.expressions import Evaluator, whole_number
from scanner.sources.terraform.module import Module
from scanner.sources.terraform.moved import written_address
from scanner.sources.terraform.repetition import copies_of
from scanner.sources.terraform.scope import Scope
from scanner.sources.terraform.symbolic import Failed
from scanner.sources.terraform.syntax import Block, Node


def imported_by(evaluator: Evaluator, module: Module, block: Block) -> dict[str, str]:
    """Return the ids of what a block imports, by address."""
    return dict(_imported(evaluator, module, block))


def _imported(evaluator: Evaluator, module: Module, block: Block) -> Iterator[tuple[str, str]]:
    """Yield the address and the id of everything that a block of the root module imports, as far as both are known."""
    to, known = block.body.attributes.get("to"), block.body.attributes.get("id")
    if to is None or known is None:
        return
    try:
        copies = copies_of(evaluator, block, module.scope("import")).copies
    except Failed:
        return
    for copy in copies:
        scope = Scope(module, copy.names, "import", False)
        try:
            value = evaluator.force(evaluator.evaluate(known.value, scope))
            address = written_address(to.value, partial(_key, evaluator, scope))
        except Failed:
            continue
        if address and isinstance(value, str) and value.startswith("/"):
            # A role assignment across tenants carries the other tenant behind a bar.
            yield address, value.partition("|")[0]


def _key(evaluator: Evaluator, scope: Scope, node: Node) -> str | int | None:
    value = evaluator.force(evaluator.evaluate(node, scope))
    return value if isinstance(value, str) else whole_number(value)
