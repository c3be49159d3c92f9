"""The three clouds, their endpoints, and where tests and demos may point instead."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from scanner.sources.azure.errors import SourceError
from scanner.sources.azure.request import CloudName

ARM_ENDPOINT = "MIDAS_ARM_ENDPOINT"
GRAPH_ENDPOINT = "MIDAS_GRAPH_ENDPOINT"


class Cloud(msgspec.Struct, frozen=True):
    """One Azure cloud: base URLs without trailing slash, token scopes, and the host that signs people in."""

    name: CloudName
    arm: str
    arm_scope: str
    graph: str
    graph_scope: str
    authority: str


_CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            "public",
            "https://management.azure.com",
            "https://management.azure.com/.default",
            "https://graph.microsoft.com",
            "https://graph.microsoft.com/.default",
            "https://login.microsoftonline.com",
        ),
        Cloud(
            "usgovernment",
            "https://management.usgovcloudapi.net",
            # The audience has another host than the endpoint in this cloud.
            "https://management.core.usgovcloudapi.net/.default",
            "https://graph.microsoft.us",
            "https://graph.microsoft.us/.default",
            "https://login.microsoftonline.us",
        ),
        Cloud(
            "china",
            "https://management.chinacloudapi.cn",
            "https://management.chinacloudapi.cn/.default",
            "https://microsoftgraph.chinacloudapi.cn",
            "https://microsoftgraph.chinacloudapi.cn/.default",
            "https://login.chinacloudapi.cn",
        ),
    )
}


def cloud_named(name: CloudName, environment: Mapping[str, str] | None = None) -> Cloud:
    """Return a cloud, with its endpoints replaced where the environment says so.

    Raises :class:`SourceError` for an endpoint that is not https and not on this machine.
    """
    environment = os.environ if environment is None else environment
    cloud = _CLOUDS[name]
    arm = environment.get(ARM_ENDPOINT, "").strip().rstrip("/")
    graph = environment.get(GRAPH_ENDPOINT, "").strip().rstrip("/")
    if arm:
        check_endpoint(arm, ARM_ENDPOINT)
        cloud = msgspec.structs.replace(cloud, arm=arm)
    if graph:
        check_endpoint(graph, GRAPH_ENDPOINT)
        cloud = msgspec.structs.replace(cloud, graph=graph)
    return cloud


def check_endpoint(url: str, where: str) -> None:
    """Raise :class:`SourceError` unless tokens may be sent to this URL."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise SourceError(
            f"{url!r} is not a URL", where=where, todo="write it like https://management.azure.com"
        ) from error
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.fragment:
        raise SourceError(
            f"{url!r} is not an endpoint", where=where, todo="write it like https://management.azure.com"
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise SourceError(
            f"{url} is plain http, over which no token is sent",
            where=where,
            todo="use https; plain http is only for a server on this machine, such as `midas emulate`",
        )


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
