"""Endpoints fit the cloud, and no token goes over plain http to another machine."""

from __future__ import annotations

import pytest

from scanner.sources.azure.cloud import check_endpoint, cloud_named, is_loopback
from scanner.sources.azure.errors import SourceError


@pytest.mark.parametrize(
    ("name", "arm", "scope", "authority"),
    [
        (
            "public",
            "https://management.azure.com",
            "https://management.azure.com/.default",
            "https://login.microsoftonline.com",
        ),
        (
            "usgovernment",
            "https://management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net/.default",
            "https://login.microsoftonline.us",
        ),
        (
            "china",
            "https://management.chinacloudapi.cn",
            "https://management.chinacloudapi.cn/.default",
            "https://login.chinacloudapi.cn",
        ),
    ],
)
def test_each_cloud_has_its_own_endpoint_audience_and_authority(name, arm, scope, authority):
    cloud = cloud_named(name, {})
    assert (cloud.arm, cloud.arm_scope, cloud.authority) == (arm, scope, authority)
    assert cloud.graph_scope == cloud.graph + "/.default"


def test_the_environment_may_point_elsewhere():
    cloud = cloud_named(
        "public",
        {"MIDAS_ARM_ENDPOINT": "http://127.0.0.1:8080/", "MIDAS_GRAPH_ENDPOINT": "https://graph.example"},
    )
    assert cloud.arm == "http://127.0.0.1:8080"
    assert cloud.graph == "https://graph.example"
    assert cloud.arm_scope == "https://management.azure.com/.default"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://azure.example"]
)
def test_endpoints_that_may_be_used(url):
    check_endpoint(url, "MIDAS_ARM_ENDPOINT")


@pytest.mark.parametrize(
    "url",
    [
        "http://management.azure.com",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
        "ftp://localhost",
        "https://",
        "https://user@management.azure.com",
        "https://management.azure.com/?x=1",
        "https://[::1",
        "management.azure.com",
    ],
)
def test_endpoints_that_may_not(url):
    with pytest.raises(SourceError, match="MIDAS_ARM_ENDPOINT"):
        cloud_named("public", {"MIDAS_ARM_ENDPOINT": url})


def test_only_this_machine_is_loopback():
    assert is_loopback("127.8.9.1")
    assert not is_loopback("localhost.example")
