"""``moved`` blocks: which address stood for something before, and which does now.

A block is read as it is written, relative to its own module; nothing of it is evaluated, for Terraform allows nothing
but names and literal keys in it. https://developer.hashicorp.com/terraform/language/moved
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from scanner.sources.terraform.file_names import is_configuration
from scanner.sources.terraform.parser import parse
from scanner.sources.terraform.syntax import Block, Literal, Name, Node, Template, Traversal

MOST_MOVES = 1_000
"""Of one repository; more are no refactoring."""


def moves_in(files: Iterable[str], read: Callable[[str], bytes | None]) -> list[tuple[str, str]]:
    """Return the old and the new address of every ``moved`` block in Terraform files, in their order.

    Addresses are written as Terraform does: ``module.app["a"].azurerm_key_vault.this[0]``. A block that is not whole
    says nothing.
    """
    found: list[tuple[str, str]] = []
    for uri in files:
        if not is_configuration(uri.rpartition("/")[2]):
            continue
        data = read(uri)
        # Most files have none, so most are not parsed a second time.
        if data is None or b"moved" not in data:
            continue
        for block in _blocks(uri, data):
            ends = [_address_in(block, name) for name in ("from", "to")]
            if ends[0] and ends[1] and len(found) < MOST_MOVES:
                found.append((ends[0], ends[1]))
    return found


def _blocks(uri: str, data: bytes) -> list[Block]:
    if uri.endswith(".json"):
        from scanner.sources.terraform.json_syntax import parse_json

        file = parse_json(uri, data)
    else:
        file = parse(uri, data)
    return [block for block in file.body.blocks if block.type == "moved"]


def _address_in(block: Block, name: str) -> str:
    attribute = block.body.attributes.get(name)
    return "" if attribute is None else written_address(attribute.value, _literal)


def _literal(node: Node) -> str | int | None:
    # A key with an escape in it is a template of one part.
    plain = node.parts[0] if isinstance(node, Template) and len(node.parts) == 1 else node
    value = plain.value if isinstance(plain, Literal) else None
    return value if isinstance(value, str | int) else None


def written_address(node: Node, key_of: Callable[[Node], str | int | None]) -> str:
    """Return the address that an expression writes, with what ``key_of`` returns for keys; empty for any other one."""
    if isinstance(node, Literal) and isinstance(node.value, str):
        return node.value.strip()
    if not isinstance(node, Traversal) or not isinstance(node.base, Name):
        return ""
    address = node.base.name
    for step in node.steps:
        if isinstance(step, str):
            address += f".{step}"
            continue
        key = key_of(step)
        if key is None:
            return ""
        escaped = key if isinstance(key, int) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
        address += f"[{escaped}]"
    return address
