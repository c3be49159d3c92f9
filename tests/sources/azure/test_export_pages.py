"""An exported page is not the whole answer, whatever else is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scanner.sources.azure.export import load_export

ROW = {
    "id": "/subscriptions/11111111-1111-1111-1111-111111111111",
    "name": "Main",
    "type": "microsoft.resources/subscriptions",
    "subscriptionId": "11111111-1111-1111-1111-111111111111",
    "properties": {},
}


def gaps(path: Path, **said: Any) -> set[tuple[str, str]]:
    path.write_text(json.dumps({"count": 1, "data": [ROW], **said}))
    store = load_export([path], frozenset(["attachments", "identities"]))
    return {(gap["table"], gap["reason"]) for gap in store.gaps()}


@pytest.mark.parametrize(
    "said",
    [
        {"skip_token": "abc"},
        {"$skipToken": "abc"},
        {"result_truncated": "true"},
        {"resultTruncated": True},
        {"total_records": 2},
        {"totalRecords": 2},
        {"nextLink": "https://management.azure.com/next"},
    ],
)
def test_a_page_is_a_gap_in_every_table_even_one_called_complete(
    tmp_path: Path, said: dict[str, Any]
) -> None:
    found = gaps(tmp_path / "page.json", **said)
    assert {("attachments", "truncated"), ("identities", "truncated"), ("roles", "truncated")} <= found


@pytest.mark.parametrize("said", [{}, {"skip_token": None, "total_records": 1, "result_truncated": "false"}])
def test_a_whole_answer_is_none(tmp_path: Path, said: dict[str, Any]) -> None:
    found = gaps(tmp_path / "whole.json", **said)
    assert "truncated" not in {reason for _, reason in found}
    assert "attachments" not in {table for table, _ in found}
