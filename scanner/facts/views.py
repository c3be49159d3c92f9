"""Tables seen from a side that several rules look from: parts of one table, or what of it is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from scanner.facts.schema import Level

if TYPE_CHECKING:
    import polars as pl


def view(frames: Mapping[str, pl.LazyFrame], name: str) -> pl.LazyFrame:
    """Return a view of the tables in ``frames`` as a plan; :class:`KeyError` where there is none of that name."""
    import polars as pl

    if name == "user_assigned_identities":
        return frames["identities"].filter(pl.col("user_assigned"))
    if name == "system_assigned_identities":
        return frames["identities"].filter(~pl.col("user_assigned"))
    if name == "workload_assignments":
        return frames["assignments"].filter(pl.col("workload").fill_null(True) & ~pl.col("eligible"))
    if name == "custom_roles":
        return frames["roles"].filter(pl.col("custom"))
    if name == "unresolved_federated_credentials":
        said = pl.concat_str("issuer", "subject", "audience", "expression", ignore_nulls=True)
        in_code = frames["declarations"].select(credential="entity")
        unresolved = frames["federated_credentials"].filter(said.str.contains(r"\{[^{}]*\}"))
        return unresolved.join(in_code, on="credential", how="semi")
    if name == "needless_key_reads":
        from scanner.catalog.data_access import OPENED_BY_IDENTITY, only_by_key_pattern, opened_pattern

        opened = pl.col("service").str.extract(opened_pattern())
        named = frames["key_reads"].with_columns(
            opened=opened.replace_strict(OPENED_BY_IDENTITY, default=None, return_dtype=pl.String)
        )
        receivers = frames["entities"].select(receiver="type", resource="entity")
        together = pl.concat_str("receiver", "service", "property", separator="|").str.to_lowercase()
        return (
            named.filter(pl.col("opened").is_not_null())
            .join(receivers, on="resource", how="left")
            .filter(~together.str.contains(only_by_key_pattern()).fill_null(False))
            .drop("receiver")
        )
    if name == "subscriptions_not_given":
        subscriptions = frames["scopes"].filter(pl.col("level") == int(Level.SUBSCRIPTION))
        if frames["places"].limit(1).collect().is_empty():
            return subscriptions.limit(0)  # no code, and a tenant's millions of ids need not be looked at
        ids_of = frames["entities"].select("id", scope="entity")
        # What code leaves open stands in brackets or braces: an id has neither.
        given = pl.col("id").str.contains(r"^/(?i)subscriptions/[0-9a-z-]+$")
        return subscriptions.join(ids_of, on="scope").filter(~given).drop("id")
    if name == "assignments_of_unreadable_roles":
        known = frames["roles"].filter(pl.col("readable")).select("role")
        unknown = view(frames, "workload_assignments").join(known, on="role", how="anti")
        return unknown.with_columns(
            reason=pl.lit("the permissions of its role were not read or not understood")
        )
    if name == "assignments_of_unread_groups":
        not_known = view(frames, "workload_assignments").filter(pl.col("workload").is_null())
        return not_known.with_columns(
            reason=pl.lit(
                "whether a workload holds it is not known: what holds it, or who is in it, was not read"
            )
        )
    if name == "assignments_of_unseen_identities":
        return _of_unseen_identities(frames)
    raise KeyError(name)


def _of_unseen_identities(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    import polars as pl

    seen = frames["identities"].select("principal").drop_nulls()
    unread = not frames["gaps"].filter(pl.col("table") == "identities").limit(1).collect().is_empty()
    # Of whom the directory was not asked, nobody knows: any could be an identity from where none were read.
    not_asked = (pl.col("type") == "ServicePrincipal") & pl.col("exists").is_null() & unread
    unseen = frames["principals"].filter(pl.col("managed") | not_asked).join(seen, on="principal", how="anti")
    of_workloads = view(frames, "workload_assignments")
    theirs = frames["grants"].join(unseen, left_on="holder", right_on="principal", how="semi")
    not_found = (
        of_workloads.filter("workload")
        .join(theirs, on="assignment", how="semi")
        .with_columns(reason=pl.lit("the managed identity that holds it was not among those read"))
    )
    return pl.concat([view(frames, "assignments_of_unread_groups"), not_found])
