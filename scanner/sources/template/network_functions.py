"""Functions of address ranges: ``parseCidr``, ``cidrSubnet``, ``cidrHost``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.sources.declared.values import Object, Property, Value
from scanner.sources.template.evaluation import PlainFunction, Unresolvable

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

_WIDEST_WITH_BOTH_ENDS = 31
"""A range of IPv4 with at most two addresses has no network and broadcast address of its own."""


def _network(arguments: list[Value]) -> IPv4Network | IPv6Network:
    from ipaddress import ip_network

    written = arguments[0] if arguments else None
    if not isinstance(written, str) or "/" not in written:
        raise Unresolvable
    try:
        return ip_network(written.strip(), strict=False)
    except ValueError:
        raise Unresolvable from None


def _number(arguments: list[Value], position: int) -> int:
    value = arguments[position] if position < len(arguments) else None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unresolvable
    return value


def _parse(arguments: list[Value]) -> Value:
    network = _network(arguments)
    first, last = int(network.network_address), int(network.broadcast_address)
    made: dict[str, Value] = {"network": str(network.network_address), "netmask": str(network.netmask)}
    if network.version == 4:
        made["broadcast"] = str(network.broadcast_address)
        if network.prefixlen < _WIDEST_WITH_BOTH_ENDS:
            first, last = first + 1, last - 1
    address = type(network.network_address)
    made |= {"firstUsable": str(address(first)), "lastUsable": str(address(last)), "cidr": network.prefixlen}
    return Object({name: Property(value) for name, value in made.items()})


def _subnet(arguments: list[Value]) -> Value:
    network, length, index = _network(arguments), _number(arguments, 1), _number(arguments, 2)
    if not network.prefixlen <= length <= network.max_prefixlen or index >> (length - network.prefixlen):
        raise Unresolvable
    size = network.max_prefixlen - length
    address = type(network.network_address)
    return f"{address(int(network.network_address) + (index << size))}/{length}"


def _host(arguments: list[Value]) -> Value:
    network, index = _network(arguments), _number(arguments, 1)
    first = int(network.network_address)
    if network.version == 6 or network.prefixlen < _WIDEST_WITH_BOTH_ENDS:
        first += 1
    if first + index > int(network.broadcast_address):
        raise Unresolvable
    return str(type(network.network_address)(first + index))


FUNCTIONS: dict[str, PlainFunction] = {"parsecidr": _parse, "cidrsubnet": _subnet, "cidrhost": _host}
