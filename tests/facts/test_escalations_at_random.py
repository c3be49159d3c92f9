"""The search for paths against a plain one over small worlds made at random, and against itself without a short cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from scanner.facts import takeovers
from scanner.facts.best_paths import MOST_STEPS
from scanner.facts.cases import (
    Element,
    assigned,
    attached,
    federated,
    identity,
    principal,
    resource,
    subscription,
)
from scanner.facts.store import FactStore

World = Callable[..., FactStore]
Named = Callable[..., set[tuple[Any, ...]]]
Assignment = tuple[str, str, str]
"""Holder, role, scope."""

GROUPS = ("a", "b", "c")
ROLES = ("Contributor", "Virtual Machine Contributor", "Managed Identity Operator", "Reader")


@dataclass
class Small:
    """A world of one subscription: where identities and machines lie, who runs where, who holds what."""

    identities: dict[str, str] = field(default_factory=dict)
    machines: dict[str, str] = field(default_factory=dict)
    on: dict[str, set[str]] = field(default_factory=dict)
    """Machines by identity."""
    own: dict[str, str] = field(default_factory=dict)
    """Machine by system-assigned identity."""
    from_outside: set[str] = field(default_factory=set)
    services: list[str] = field(default_factory=list)
    assignments: list[Assignment] = field(default_factory=list)

    def elements(self) -> list[Element]:
        """Return it as the elements of a case."""
        return [
            subscription("main"),
            *(identity(name, group=group) for name, group in self.identities.items()),
            *(
                resource(name, group=group, system_assigned=name in self.own.values(), user_assigned=True)
                for name, group in self.machines.items()
            ),
            *(identity(name, of=machine) for name, machine in self.own.items()),
            *(
                attached(name, to=machine)
                for name, there in self.on.items()
                if name not in self.own
                for machine in sorted(there)
            ),
            *(
                federated(name, issuer="https://issuer.example", subject="s", credential=f"of {name}")
                for name in sorted(self.from_outside)
            ),
            *(principal(name) for name in self.services),
            *(
                assigned(holder, role, at=scope, as_=f"{holder}|{role}|{scope}")
                for holder, role, scope in self.assignments
            ),
        ]

    def controls(self, holder: str) -> bool:
        """Whether somebody controls the subscription."""
        return (holder, "Owner", "subscription:main") in self.assignments

    def taken(self, by: Assignment) -> set[str]:
        """Return the identities that an assignment takes."""
        holder, role, scope = by
        machines = {
            name for name, group in self.machines.items() if scope in _scopes(f"resource:{name}", group)
        }
        here = {
            name for name, group in self.identities.items() if scope in _scopes(f"identity:{name}", group)
        }
        runs = {name for name, there in self.on.items() if there & machines}
        if role in ("Contributor", "Owner"):
            return runs | here  # federated credentials need no host
        if role == "Virtual Machine Contributor":
            return runs
        return here if role == "Managed Identity Operator" and self.hosts(holder) else set()

    def hosts(self, holder: str) -> bool:
        """Whether somebody can make a machine run as an identity."""
        return any(
            who == holder
            and role in ("Contributor", "Owner", "Virtual Machine Contributor")
            and not scope.startswith("identity:")
            for who, role, scope in self.assignments
        )

    def found(self) -> set[str]:
        """Return the assignments on a path, step by step over plain sets."""
        everybody = [*self.identities, *self.own]
        steps = {name: 0 for name in everybody if self.controls(name)}
        found = set()
        for step in range(MOST_STEPS):
            leading = set(steps)
            new = set()
            for by in self.assignments:
                holder = by[0]
                nearer = 1 <= steps.get(holder, 0) < step
                if nearer or self.controls(holder) or self._beside(holder, leading):
                    continue
                if {name for name in self.taken(by) - {holder} if steps.get(name) == step}:
                    found.add("|".join(by))
                    new.add(holder)
            steps |= {name: step + 1 for name in new if name in everybody and name not in steps}
        return found

    def _beside(self, holder: str, leading: set[str]) -> bool:
        hosts = self.on.get(holder, set())
        if not hosts or holder in self.from_outside:
            return False
        return all(
            any(machine in self.on.get(name, set()) for name in leading - {holder}) for machine in hosts
        )


def _scopes(place: str, group: str) -> tuple[str, ...]:
    return (place, f"resource_group:{group}", "subscription:main")


def at_random(seed: int) -> Small:
    """Make a world."""
    random = Random(seed)
    small = Small()
    for number in range(random.randint(2, 6)):
        small.identities[f"id{number}"] = random.choice(GROUPS)
    for number in range(random.randint(0, 4)):
        machine = f"vm{number}"
        small.machines[machine] = random.choice(GROUPS)
        for name in random.sample(sorted(small.identities), random.randint(0, 2)):
            small.on.setdefault(name, set()).add(machine)
        if random.random() < 0.5:
            small.own[f"own{number}"] = machine
            small.on[f"own{number}"] = {machine}
    small.services = ["ci", "cd"][: random.randint(0, 2)]
    small.from_outside = {name for name in small.identities if random.random() < 0.2}
    scopes = [f"resource_group:{group}" for group in GROUPS] * 3
    scopes += [f"resource:{name}" for name in small.machines]
    scopes += [f"identity:{name}" for name in small.identities]
    holders = [*small.identities, *small.own, *small.services]
    small.assignments = [(random.choice(holders), "Owner", "subscription:main")]
    for _ in range(random.randint(4, 16)):
        one = (random.choice(holders), random.choice(ROLES), random.choice(scopes))
        if one not in small.assignments:
            small.assignments.append(one)
    return small


@pytest.mark.parametrize("seed", range(40))
def test_what_is_found_is_what_a_plain_search_finds(seed: int, world: World, named: Named) -> None:
    small = at_random(seed)
    store = world(*small.elements())
    assert {name for (name,) in named(store, "escalations", "assignment")} == small.found()


def test_worlds_at_random_have_paths_of_all_sorts() -> None:
    worlds = [at_random(seed) for seed in range(40)]
    found = [small.found() for small in worlds]
    assert sum(map(bool, found)) > 10
    assert sum(not one for one in found) > 10
    roles = {name.split("|")[1] for one in found for name in one}
    assert roles == {"Contributor", "Virtual Machine Contributor", "Managed Identity Operator"}


@pytest.mark.parametrize("seed", range(12))
def test_leaving_out_who_has_all_there_is_changes_nothing(
    seed: int, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    elements = at_random(seed).elements()
    short = world(*elements).frame("escalations").collect()
    monkeypatch.setattr(takeovers, "_have_it_all", lambda holding: holding["holder"].clear())
    whole = world(*elements).frame("escalations").collect()
    assert short.sort("assignment", "holder").equals(whole.sort("assignment", "holder"))
