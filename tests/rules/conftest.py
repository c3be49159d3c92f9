"""Worlds of rules' cases, built once and shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scanner.facts.cases import Case, Element, World
from scanner.facts.store import FactStore

Build = Callable[..., FactStore]


@pytest.fixture(scope="session")
def build() -> Build:
    """Build a case's facts, with more elements where a test adds some; the plain ones are kept."""
    kept: dict[int, tuple[Case, FactStore]] = {}

    def built(case: Case, *more: Element) -> FactStore:
        if more:
            return World((*case.elements, *more)).build()
        if id(case) not in kept:
            kept[id(case)] = (case, World(case.elements).build())
        return kept[id(case)][1]

    return built
