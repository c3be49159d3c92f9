"""Which configuration of a provider a resource uses: its own, its module's, or one that is passed to the module."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.sources.terraform.syntax import Block, Literal, Mapping, Name, Node, Traversal


def provider_addresses(
    own: Sequence[Block], prefix: str, call: Block | None, caller: dict[str, str] | None
) -> dict[str, str]:
    """Return the address of each provider configuration by the name it has in a module: ``azurerm.hub``.

    ``own`` are the configurations in the module, ``prefix`` its address with a point, ``call`` the block that calls
    it and ``caller`` what this function returned for the module around it.
    """
    addresses: dict[str, str] = {}
    if caller is not None:
        # Those without an alias are inherited, unless the call says what is.
        addresses = {name: address for name, address in caller.items() if "." not in name}
        passed = call.body.attributes.get("providers") if call is not None else None
        for key, value, _, _ in passed.value.items if passed and isinstance(passed.value, Mapping) else ():
            inner = provider_name(key)
            address = caller.get(provider_name(value))
            if address is None:
                addresses.pop(inner, None)
            else:
                addresses[inner] = address
    for block in own:
        name = provider_key(block)
        addresses[name] = f"{prefix}provider.{name}"
    return addresses


def provider_key(block: Block) -> str:
    """Return the name of a provider configuration in its module: ``azurerm`` or ``azurerm.hub``."""
    alias = block.body.attributes.get("alias")
    if alias is not None and isinstance(alias.value, Literal):
        return f"{block.labels[0]}.{alias.value.value}"
    return block.labels[0]


def provider_name(node: Node) -> str:
    """Return how an expression names a provider configuration; empty when it is none."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Traversal) and isinstance(node.base, Name):
        return ".".join([node.base.name, *(step for step in node.steps if isinstance(step, str))])
    return str(node.value) if isinstance(node, Literal) else ""
