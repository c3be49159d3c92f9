"""Whom a gap concerns."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from scanner.facts.cases import (
    World,
    assigned,
    attached,
    custom_role,
    federated,
    identity,
    refused,
    resource,
    subscription,
)
from scanner.facts.coverage import Coverage, Doubt, concerned
from scanner.facts.store import FactStore

Build = Callable[..., FactStore]
ISSUER = "https://token.actions.githubusercontent.com"


def names(store: FactStore, keys: frozenset[int]) -> set[str]:
    entities = store.frame("entities").filter(
        pl.col("entity").is_in(pl.Series(sorted(keys), dtype=pl.UInt32).implode())
    )
    return set(entities.select("name").collect().to_series())


def one(doubts: list[Doubt]) -> Doubt:
    (doubt,) = doubts
    return doubt


def test_a_gap_everywhere_concerns_everybody(world: Build) -> None:
    store = world(identity("app"), refused("federated_credentials"))
    doubt = one(Coverage(store).doubts("identities", ("federated_credentials",)))
    assert doubt.within is None
    assert doubt.gap.sentence == "federated_credentials not read anywhere: refused. Not read in this case."


def test_a_local_gap_concerns_what_lies_in_its_scope(world: Build) -> None:
    store = world(
        subscription("other"),
        identity("near", group="web"),
        identity("far", subscription="other"),
        refused("federated_credentials", at="subscription:other"),
    )
    doubt = one(Coverage(store).doubts("identities", ("federated_credentials",)))
    assert doubt.within is not None
    assert names(store, doubt.within) == {"other", "app"}
    subjects = store.frame("identities").select("identity")
    hit = concerned(subjects, "identity", store.frame("entities"), doubt.within).collect().to_series()
    assert names(store, frozenset(hit)) == {"far"}
    assert "subscriptions" in doubt.gap.sentence


def test_a_gap_about_one_identity_concerns_that_one(world: Build) -> None:
    store = world(
        identity("app"),
        identity("job"),
        federated("job", issuer=ISSUER, subject="s"),
        refused("federated_credentials", at="identity:app"),
    )
    doubt = one(Coverage(store).doubts("identities", ("federated_credentials",)))
    assert doubt.within is not None
    subjects = store.frame("identities").select("identity")
    hit = concerned(subjects, "identity", store.frame("entities"), doubt.within).collect().to_series()
    assert names(store, frozenset(hit)) == {"app"}


def test_a_table_whose_rows_may_speak_of_anything_concerns_everybody(world: Build) -> None:
    store = world(subscription("other"), identity("app"), refused("attachments", at="subscription:other"))
    assert one(Coverage(store).doubts("identities", ("attachments",))).within is None


def test_a_gap_in_a_scope_never_seen_concerns_nobody_that_was(world: Build) -> None:
    store = world(identity("app"), refused("federated_credentials", at="subscription:never"))
    assert one(Coverage(store).doubts("identities", ("federated_credentials",))).within == frozenset()


def test_derived_tables_inherit_gaps_but_not_the_harmless_ones(world: Build) -> None:
    store = world(
        identity("app"),
        refused("deny_assignments"),
        refused("memberships"),
        refused("assignments"),
        refused("roles"),
    )
    coverage = Coverage(store)
    assert {gap.table for gap in coverage.of("denials")} == set()
    assert {gap.table for gap in coverage.of("grants")} == {"assignments"}
    assert {gap.table for gap in coverage.of("escalations", "memberships")} == {
        "assignments",
        "roles",
        "memberships",
    }
    assert coverage.of() == []


def test_the_subjects_own_gaps_are_told_apart(world: Build) -> None:
    store = world(
        subscription("other"),
        identity("app"),
        custom_role("odd", readable=False),
        assigned("app", "odd"),
        refused("roles", at="subscription:other"),
        refused("roles", at="subscription:never"),
    )
    coverage = Coverage(store)
    assert coverage.doubts("custom_roles", ("capabilities",)) == []
    assert names(store, one(coverage.own_doubts("custom_roles")).within or frozenset()) == {"odd"}
    unread = coverage.unread("custom_roles")
    assert [gap.scope_id for gap in unread] == sorted(gap.scope_id for gap in unread)
    assert len({gap.scope_id for gap in unread}) == 2
    assert coverage.unread("identities") == []


def test_what_is_unread_is_named_once_for_each_scope() -> None:
    case = World([identity("app"), refused("identities"), refused("identities", reason="throttled")])
    unread = Coverage(case.build()).unread("identities")
    assert [(gap.scope_id, gap.reason) for gap in unread] == [("/", "refused")]


def test_a_gap_about_a_resource_that_was_seen_is_about_that_one(world: Build) -> None:
    store = world(
        resource("vm"),
        resource("other"),
        identity("app"),
        attached("app", to="vm"),
        refused("settings", at="resource:vm"),
    )
    doubt = one(Coverage(store).doubts("resources", ("settings",)))
    assert doubt.within is not None
    subjects = store.frame("resources").select("resource")
    hit = concerned(subjects, "resource", store.frame("entities"), doubt.within).collect().to_series()
    assert names(store, frozenset(hit)) == {"vm"}


def test_a_gap_about_one_subject_concerns_it_alone_even_in_a_table_of_relations(world: Build) -> None:
    store = world(identity("odd"), identity("app"), refused("attachments", at="identity:odd"))
    doubt = one(Coverage(store).doubts("identities", ("attachments",)))
    assert doubt.within is not None
    assert names(store, doubt.within) == {"odd"}
