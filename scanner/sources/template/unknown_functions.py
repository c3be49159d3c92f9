"""Functions that are not worked out, each with the reason: a call stays as it is written, and equal calls are equal."""

from __future__ import annotations

from scanner.sources.declared.values import Value
from scanner.sources.template.evaluation import PlainFunction
from scanner.sources.template.symbolic import call_value

_AZURE = "{}() is worked out when deploying"
_TIME = "it depends on the time, and nothing that is judged does"
_ZONES = "it depends on the zones of the subscription"
_SPELLED = {
    "guid": _AZURE,
    "uniqueString": _AZURE,
    "newGuid": "each deployment makes another one",
    "utcNow": "it is the time of the deployment",
    "dateTimeAdd": _TIME,
    "dateTimeFromEpoch": _TIME,
    "dateTimeToEpoch": _TIME,
    "pickZones": _ZONES,
    "toLogicalZone": _ZONES,
    "toLogicalZones": _ZONES,
    "toPhysicalZone": _ZONES,
    "toPhysicalZones": _ZONES,
    "providers": "it depends on what the subscription is registered for",
    "deployment": "it is known when deploying",
    "deployer": "it is known when deploying",
    "environment": "it is known when deploying",
    "buildUri": "addresses of the web are not judged",
    "parseUri": "addresses of the web are not judged",
    "loadDirectoryFileInfo": "which files there are is not looked at",
}

REASONS = {name.lower(): why.format(name) for name, why in _SPELLED.items()}
"""By the name of the function in lower case, without a full stop."""


def _kept(name: str, why: str) -> PlainFunction:
    def made(arguments: list[Value]) -> Value:
        return call_value(name, arguments, why)

    return made


FUNCTIONS: dict[str, PlainFunction] = {name.lower(): _kept(name, REASONS[name.lower()]) for name in _SPELLED}
