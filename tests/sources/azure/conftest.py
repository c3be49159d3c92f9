"""A local Azure for the collector's tests, a clock that jumps instead of waiting, and facts in words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

from scanner.emulator import Emulator, load_tenant
from scanner.emulator.behaviour import Behaviour
from scanner.emulator.tenant import Tenant
from scanner.facts.schema import TABLES, is_key_column
from scanner.facts.store import FactStore
from scanner.sources.azure.collect import collect
from scanner.sources.azure.progress import SilentProgress
from scanner.sources.azure.request import AuthSettings, CollectRequest, ScanScope

COLLECTED = frozenset(name for name, table in TABLES.items() if not table.derived and name != "gaps")


class JumpingClock:
    """Time that passes only when somebody waits: to sleep is to be there at once."""

    def __init__(self) -> None:
        self._now = 1_000.0
        self._lock = threading.Lock()
        self.stopped = False
        self.slept: list[float] = []

    def now(self) -> float:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self._now += max(0.0, seconds)

    def check(self) -> None:
        return None

    def stop(self) -> None:
        # Not for good: a test may collect twice in the same time.
        self.stopped = True


class StartAzure(Protocol):
    def __call__(self, tenant: str | Tenant = "contoso", **behaviour: Any) -> Emulator: ...


@pytest.fixture
def clock() -> JumpingClock:
    return JumpingClock()


@pytest.fixture
def start_azure(clock: JumpingClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartAzure]:
    """Start local Azures that live in the jumping clock's time; the environment points to the last one."""
    with ExitStack() as running:

        def start(tenant: str | Tenant = "contoso", **behaviour: Any) -> Emulator:
            loaded = load_tenant(tenant) if isinstance(tenant, str) else tenant
            emulator = running.enter_context(
                Emulator(loaded, behaviour=Behaviour(**behaviour), clock=clock.now)
            )
            for name, value in emulator.environment().items():
                monkeypatch.setenv(name, value)
            return emulator

        yield start


def whole_tenant(work: Path) -> CollectRequest:
    """A request for everything there is."""
    return CollectRequest(
        scope=ScanScope(),
        work=work,
        tables=COLLECTED,
        settings=frozenset([("Microsoft.Storage/storageAccounts", "properties.allowSharedKeyAccess")]),
        auth=AuthSettings(method="managed-identity"),
    )


@pytest.fixture
def request_for(tmp_path: Path) -> Callable[..., CollectRequest]:
    """Make a request for everything in the tenant, changed by keywords."""

    def make(**changes: Any) -> CollectRequest:
        return msgspec.structs.replace(whole_tenant(tmp_path / "work"), **changes)

    return make


@pytest.fixture
def gather(request_for: Callable[..., CollectRequest], clock: JumpingClock) -> Callable[..., FactStore]:
    """Collect everything in the tenant, changed by keywords, without waiting."""

    def run(**changes: Any) -> FactStore:
        return collect(request_for(**changes), progress=SilentProgress(), clock=clock)

    return run


def words(store: FactStore, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
    """Facts with ids in lower case instead of keys, sorted: equal for equal facts."""
    ids = {
        row["entity"]: row["id"].lower()
        for row in store.frame("entities").select("entity", "id").collect().to_dicts()
    }
    said = {}
    for name in tables:
        columns = [column.name for column in TABLES[name].columns]
        rows = store.frame(name).collect().to_dicts()
        said[name] = sorted(
            (
                tuple(ids.get(row[c]) if is_key_column(c) and row[c] is not None else row[c] for c in columns)
                for row in rows
            ),
            key=repr,
        )
    return said


@pytest.fixture
def in_words() -> Callable[..., dict[str, list[tuple[Any, ...]]]]:
    return words


@pytest.fixture(scope="session")
def fair(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """Contoso in words, as it is collected in fair weather: once for all tests."""
    clock = JumpingClock()
    work = tmp_path_factory.mktemp("fair") / "work"
    with (
        Emulator(load_tenant("contoso"), clock=clock.now) as emulator,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in emulator.environment().items():
            environment.setenv(name, value)
        store = collect(whole_tenant(work), progress=SilentProgress(), clock=clock)
    return words(store, *(name for name, table in TABLES.items() if not table.derived and name != "entities"))
