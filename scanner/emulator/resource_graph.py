"""Resource Graph: one POST, everything in it. Facts: azure-docs of Resource Graph and recorded exchanges."""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any, get_args

from scanner.emulator.exchange import Json, Request, Response, Route, ServiceError, route
from scanner.emulator.hierarchy import ScopeFilter, Window, window
from scanner.emulator.kql import Inventory, StoredRow
from scanner.emulator.kql_syntax import InvalidQueryError
from scanner.emulator.mixed_case import mixed
from scanner.emulator.tenant import Row
from scanner.emulator.world import World

MOST_ROWS = 1000
MOST_SUBSCRIPTIONS = 1000
MOST_PARTIAL = 10_000
OLD, NEW = "2021-03-01", "2024-04-01"
SUPPORT = (
    "Please provide below info when asking for support: timestamp = 2026-11-02T08:00:00Z, correlationId = {}."
)


class ResourceGraph:
    """Answers queries over the tenant's tables."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._inventory = Inventory({name: self._stored(name) for name in world.tenant.tables})

    def close(self) -> None:
        """Free the inventory."""
        self._inventory.close()

    def routes(self) -> list[Route]:
        """The query operation in its two api-versions."""
        return [route("POST", r"/providers/Microsoft\.ResourceGraph/resources", self.query, OLD, NEW)]

    def _stored(self, table: str) -> Iterator[StoredRow]:
        rows = self._world.tenant.tables[table]
        first = min((row["id"] for row in rows), default="")
        for row in rows:
            shown = mixed(row) if self._world.mixed_case else row
            fresh = row["id"] == first or zlib.crc32(row["id"].encode()) % 8 == 0
            yield StoredRow(shown, row["subscriptionId"].lower(), _scope_of(row), fresh)

    def query(self, request: Request, _: re.Match[str]) -> Response:
        """One page of one query."""
        if not request.headers.get("content-type", "").lower().startswith("application/json"):
            raise ServiceError(
                500, "InternalServerError", "The content type of the request is not supported."
            )
        hostility = self._world.hostility
        quota = hostility.query()
        headers = {
            **quota.headers,
            "x-ms-ratelimit-remaining-tenant-resource-requests": "1199",
            "x-ms-resource-graph-request-duration": "0:00:00:00.0100000",
        }
        if not quota.allowed:
            raise hostility.too_many_requests(
                quota.resets_after,
                "RateLimiting",
                "Client application has been throttled and should not attempt to repeat the request until an "
                f"amount of time has elapsed. Quota resets in {quota.resets_after} seconds.",
                headers,
            )
        try:
            return self._page(request, headers)
        except ServiceError as error:
            error.headers.update(headers)
            raise

    def _page(self, request: Request, headers: dict[str, str]) -> Response:
        body = request.json()
        query, options = body.get("query"), body.get("options") or {}
        if not isinstance(query, str) or not query.strip():
            raise _bad_request({"code": "InvalidQuery", "message": "The query is missing or empty."})
        if not isinstance(options, dict):
            raise _bad_request({"code": "InvalidQueryOptions", "message": "options is not an object."})
        view = self._window(body, options, request.query["api-version"], headers)
        top = _whole(options, "$top", MOST_ROWS, least=1)
        skip = _whole(options, "$skip", 0, least=0)
        if options.get("$skipToken"):
            skip = _read_token(options["$skipToken"])
        try:
            settled = self._world.hostility.settled(self._inventory.tables_of(query))
            result = self._inventory.run(query, view, settled=settled)
        except InvalidQueryError as error:
            raise _bad_request(*error.details) from error
        stop = min(skip + min(top, MOST_ROWS), len(result.rows))
        more = stop < len(result.rows)
        token = ""
        if more and result.pageable and not self._world.hostility.truncated():
            token = _token(stop, min(top, MOST_ROWS))
        head: Json = {
            "totalRecords": len(result.rows),
            "count": max(0, stop - skip),
            "facets": [],
            "resultTruncated": "true" if more and not token else "false",
        }
        if token:
            head["$skipToken"] = token
        if options.get("resultFormat", "objectArray") == "table":
            columns, rows = result.table(skip, stop)
            data = _encode({"columns": columns, "rows": rows})
        else:
            data = b"[" + b",".join(result.encode(skip, stop)) + b"]"
        payload = json.dumps(head, separators=(",", ":")).encode()[:-1] + b',"data":' + data + b"}"
        if len(payload) > self._world.behaviour.payload_limit:
            limit = self._world.behaviour.payload_limit
            raise _bad_request(
                {
                    "code": "ResponsePayloadTooLarge",
                    "message": f"Response payload size is {len(payload)}, and has exceeded the limit of {limit}. "
                    "Please consider querying less data at a time and make paginated call if needed.",
                }
            )
        return Response(200, payload, headers)

    def _window(self, body: Json, options: Json, version: str, headers: dict[str, str]) -> Window:
        hierarchy, refused = self._world.tenant.hierarchy, self._world.refused
        subscriptions, groups = body.get("subscriptions") or None, body.get("managementGroups") or None
        for name, value in (("subscriptions", subscriptions), ("managementGroups", groups)):
            if value is not None and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
                raise _bad_request({"code": "BadRequest", "message": f"{name} is not a list of strings."})
        if subscriptions and groups:
            raise _bad_request(
                {"code": "BadRequest", "message": "Give subscriptions or managementGroups, not both."}
            )
        if subscriptions and len(subscriptions) > MOST_SUBSCRIPTIONS:
            raise _bad_request(
                {"code": "BadRequest", "message": f"At most {MOST_SUBSCRIPTIONS} subscriptions per request."}
            )
        for name in groups or ():
            if name.lower() not in hierarchy.groups:
                raise _access_denied()
        asked = set(hierarchy.subscriptions)
        if subscriptions:
            asked &= {name.lower() for name in subscriptions}
        if not asked - refused:
            raise _access_denied()
        if not subscriptions and len(asked) > MOST_PARTIAL:
            if not options.get("allowPartialScopes"):
                raise _bad_request(
                    {
                        "code": "BadRequest",
                        "message": f"The scope has more than {MOST_PARTIAL} subscriptions.",
                    }
                )
            headers["x-ms-tenant-subscription-limit-hit"] = "true"
            kept = sorted(asked)[:MOST_PARTIAL]
            refused = refused | (frozenset(hierarchy.subscriptions) - frozenset(kept))
        # The old version does not know the option and ignores it.
        chosen: Any = options.get("authorizationScopeFilter") if version != OLD else None
        if chosen is not None and chosen not in get_args(ScopeFilter):
            raise _bad_request(
                {"code": "BadRequest", "message": f"authorizationScopeFilter {chosen!r} is unknown."}
            )
        return window(
            hierarchy,
            subscriptions=subscriptions,
            groups=groups,
            refused=refused,
            scope_filter=chosen or "AtScopeAndBelow",
        )


def _scope_of(row: Row) -> str:
    if row["type"].startswith("microsoft.authorization/"):
        properties = row["properties"]
        if row["type"] == "microsoft.authorization/roledefinitions":
            inside = row["subscriptionId"]
            return (
                f"/subscriptions/{inside}".lower()
                if inside
                else str(properties["assignableScopes"][0]).lower()
            )
        if row["type"] == "microsoft.authorization/classicadministrators":
            return f"/subscriptions/{row['subscriptionId']}".lower()
        return str(properties.get("scope", row["id"])).lower()
    return str(row["id"]).lower()


def _whole(options: Json, name: str, default: int, *, least: int) -> int:
    value = options.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise _bad_request({"code": "InvalidQueryOptions", "message": f"{name} must be {least} or more."})
    return value


def _token(offset: int, rows: int) -> str:
    content = {
        "$id": "1",
        "MaxRows": rows,
        "RowsToSkip": offset,
        "KustoClusterUrl": "https://arg-emulated.kusto.invalid",
    }
    return base64.b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def _read_token(token: Any) -> int:
    try:
        offset = json.loads(base64.b64decode(token, validate=True))["RowsToSkip"]
    except (binascii.Error, ValueError, TypeError, KeyError) as error:
        raise _bad_request({"code": "InvalidSkipToken", "message": "The skip token is not valid."}) from error
    if not isinstance(offset, int) or offset < 0:
        raise _bad_request({"code": "InvalidSkipToken", "message": "The skip token is not valid."})
    return offset


def _encode(value: Any) -> bytes:
    import msgspec

    return msgspec.json.encode(value)


def _bad_request(*details: Json) -> ServiceError:
    return ServiceError(
        400, "BadRequest", SUPPORT.format("00000000-0000-0000-0000-000000000001"), details=details
    )


def _access_denied() -> ServiceError:
    return ServiceError(
        403,
        "AccessDenied",
        SUPPORT.format("00000000-0000-0000-0000-000000000001"),
        details=[
            {
                "code": "AccessDenied",
                "message": "Access is denied to the requested resource. The user might not have enough permission.",
            }
        ],
    )
