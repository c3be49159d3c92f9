"""One world out of two: a tenant as it is, and what code will make of it.

Keys of the code's entities become keys of the tenant where both are the same thing:

* by id, any case;
* a managed identity's service principal with the identity;
* a role by its GUID, or, where code only names it, by its name;
* a role assignment by who, what and where: Azure gives it a name that code does not know.

Of what both say of one thing, the code's word counts where it declares it (settings, resources, the permissions of a
role it defines), the tenant's where only the tenant knows (principals, built-in roles, scopes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.facts.derive import derive
from scanner.facts.schema import TABLES, is_key_column, table_of
from scanner.facts.store import FactStore

if TYPE_CHECKING:
    import polars as pl

_TENANT_WINS = frozenset(["identities", "principals", "roles", "scopes", "assignments"])
_POINTING = ("places", "property_places", "module_calls", "declarations")


def is_only_in_code(name: str) -> bool:
    """Whether a table or view says nothing of a tenant."""
    table = table_of(name)
    return table.of_code or table.name == "places"


def unite(tenant: FactStore, code: FactStore) -> FactStore:
    """Return both worlds as one."""
    import polars as pl

    both = _Matched(tenant, code)
    frames: dict[str, pl.LazyFrame] = {}
    for name, table in TABLES.items():
        if table.derived:
            continue
        theirs, own = tenant.frame(name), both.moved(name)
        if name == "entities":
            own = own.filter(pl.col("entity") >= both.offset)
        elif name == "role_names":
            own = both.with_names_found(own)
        elif name == "permissions":
            own, theirs = both.permissions(own, theirs)
        elif name == "settings":
            theirs = theirs.join(own.lazy(), on=["resource", "path"], how="anti")
        elif name == "roles":
            theirs = theirs.filter(~pl.col("role").is_in(both.defined.implode()))
            own = own.filter(pl.col("role").is_in(both.defined.implode()) | (pl.col("role") >= both.offset))
        elif table.row is not None and name in _TENANT_WINS:
            own = own.join(theirs.select(table.row).collect(), on=table.row, how="anti")
        elif table.row is not None:
            theirs = theirs.join(own.select(table.row).lazy(), on=table.row, how="anti")
        columns = theirs.collect_schema().names()
        united = pl.concat([theirs, own.lazy().select(columns)])
        frames[name] = (
            united if table.row is not None or own.is_empty() else united.unique(maintain_order=True)
        )
    return FactStore(derive(frames))


def with_places(tenant: FactStore, code: FactStore) -> FactStore:
    """Return a tenant whose entities say where code declares them; looking a thing up does not declare it."""
    import polars as pl

    both = _Matched(tenant, code)
    frames = {name: tenant.frame(name) for name, table in TABLES.items() if not table.searched}
    looked_up = both.moved("declarations").filter("existing")["entity"].implode()
    known = (pl.col("entity") < both.offset) & ~pl.col("entity").is_in(looked_up)
    for name in _POINTING:
        frames[name] = both.moved(name).filter(known).lazy()
    return FactStore(frames)


class _Matched:
    """Which entity of the tenant each entity of the code is; the others get keys after all of the tenant's."""

    def __init__(self, tenant: FactStore, code: FactStore) -> None:
        import polars as pl

        self._tenant, self._code = tenant, code
        same = pl.col("id").str.to_lowercase().str.strip_chars_end("/").alias("same")
        own = code.frame("entities").select("entity", same).sort("entity").collect()
        everything = tenant.frame("entities").select("entity", same)
        wanted = own["same"].implode()
        self.offset = 1 + int(tenant.frame("entities").select(pl.col("entity").max()).collect().item() or 0)
        found = everything.filter(pl.col("same").is_in(wanted)).collect()
        known = dict(zip(found["same"].to_list(), found["entity"].to_list(), strict=True))
        self._keys: dict[int, int] = {key: known[name] for key, name in own.iter_rows() if name in known}
        self._size = len(own)
        self.named: set[int] = set()
        """Roles of the tenant that code gives by name."""
        self._match_principals()
        self._match_roles()
        self._match_assignments()
        defined = (
            code.frame("permissions")
            .select("role")
            .unique()
            .join(code.frame("roles").filter("custom"), on="role", how="semi")
        )
        self.defined = self._series(defined.collect()["role"])

    def moved(self, name: str) -> pl.DataFrame:
        """Return a table of the code with the keys of both worlds."""
        frame = self._code.frame(name).collect()
        keys = [column for column in frame.columns if is_key_column(column)]
        return frame.with_columns(self._series(frame[column]) for column in keys)

    def with_names_found(self, names: pl.DataFrame) -> pl.DataFrame:
        """Say of names of roles that the tenant has a role of that name."""
        import polars as pl

        roles = self.moved("assignments").select("assignment", "role")
        theirs = roles.filter(pl.col("role").is_in(pl.Series(sorted(self.named), dtype=pl.UInt32).implode()))
        there = pl.col("assignment").is_in(theirs["assignment"].implode())
        return names.with_columns(found=pl.col("found") | there)

    def permissions(self, own: pl.DataFrame, theirs: pl.LazyFrame) -> tuple[pl.DataFrame, pl.LazyFrame]:
        """Return the permissions of each role from the world whose word counts."""
        import polars as pl

        defined = pl.col("role").is_in(self.defined.implode())
        return own.filter(defined | (pl.col("role") >= self.offset)), theirs.filter(~defined)

    def _series(self, keys: pl.Series) -> pl.Series:
        import polars as pl

        moved = pl.Series(
            [self._keys.get(key, self.offset + key) for key in range(self._size)], dtype=pl.UInt32
        )
        return moved.gather(keys).alias(keys.name) if len(moved) else keys

    def _match_principals(self) -> None:
        import polars as pl

        own = self._code.frame("identities").select("identity", "principal").drop_nulls().collect()
        pairs = {self._keys[i]: p for i, p in own.iter_rows() if i in self._keys and p not in self._keys}
        wanted = pl.Series(list(pairs), dtype=pl.UInt32).implode()
        theirs = self._tenant.frame("identities").filter(pl.col("identity").is_in(wanted))
        for identity, principal in theirs.select("identity", "principal").drop_nulls().collect().iter_rows():
            self._keys[pairs[identity]] = principal

    def _match_roles(self) -> None:
        theirs = self._tenant.frame("roles").select("role", "guid")
        names = self._tenant.frame("entities").select("entity", "name")
        held = theirs.join(names, left_on="role", right_on="entity").collect()
        by_guid = {guid: role for role, guid, _ in held.iter_rows() if guid}
        by_name: dict[str, list[int]] = {}
        for role, _, name in held.iter_rows():
            by_name.setdefault(name.strip().lower(), []).append(role)
        for role, guid in self._code.frame("roles").select("role", "guid").collect().iter_rows():
            if role not in self._keys and guid in by_guid:
                self._keys[role] = by_guid[guid]
        # A role that is only named: the assignment says by what name.
        given = self._code.frame("role_names").filter(~_column("found")).select("assignment", "name")
        roles = self._code.frame("assignments").select("assignment", "role")
        for role, name in given.join(roles, on="assignment").select("role", "name").collect().iter_rows():
            matching = by_name.get(name.strip().lower(), [])
            if role not in self._keys and len(matching) == 1:
                self._keys[role] = matching[0]
                self.named.add(matching[0])

    def _match_assignments(self) -> None:
        what = ["principal", "role", "scope", "eligible"]
        own = self.moved("assignments").select("assignment", *what)
        theirs = self._tenant.frame("assignments").select(*what, there="assignment")
        code_keys = self._code.frame("assignments").select(code="assignment").collect()
        pairs = own.with_columns(code_keys["code"]).lazy().join(theirs, on=what).select("code", "there")
        for code, there in pairs.collect().iter_rows():
            self._keys.setdefault(code, there)


def _column(name: str) -> pl.Expr:
    import polars as pl

    return pl.col(name)
