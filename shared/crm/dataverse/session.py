"""One caller at one organisation: what reading and writing have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.crm.dataverse import queries, replies
from shared.crm.dataverse.batch import Reply
from shared.crm.dataverse.faults import fault
from shared.crm.dataverse.knowledge import Knowledge, Lookup
from shared.crm.dataverse.replies import Record
from shared.crm.dataverse.tables import ActivityTable, Table, logical_name
from shared.crm.dataverse.wire import Wire
from shared.domain import ActivityKind
from shared.errors import InvalidRequest, NotFound
from shared.policy import CategoryField


@dataclass(frozen=True, slots=True)
class Session:
    wire: Wire
    knowledge: Knowledge
    categories: Mapping[ActivityKind, tuple[CategoryField, ...]]

    def fields(self, table: ActivityTable) -> tuple[CategoryField, ...]:
        return self.categories.get(table.kind, ())

    def activity_path(self, table: ActivityTable, id_: str, *, body: bool = False) -> str:
        """The query for one whole activity; with its text too where asked."""
        return queries.activity(table, id_, self.fields(table), body=body)

    def record(self, row: Mapping[str, Any], table: ActivityTable) -> Record:
        return replies.record(row, table, self.knowledge.root, self.fields(table))

    def read(self, reply: Reply, table: ActivityTable) -> Record:
        """The record in a reply to `activity_path`; raises what the reply means otherwise."""
        if not reply.ok:
            raise fault(reply)
        return self.record(reply.json, table)

    async def table(self, logical: str) -> Table | None:
        """The table of that name, asked for once; None where there is none, as yet."""
        known = self.knowledge.tables.get(logical)
        if known is not None:
            return known
        reply = await self.wire.get(queries.table_definition(logical))
        if reply.status in (400, 404):
            return None
        if not reply.ok:
            raise fault(reply)
        found = replies.table(logical, reply.json)
        self.knowledge.tables[logical] = found
        return found

    async def connectable(self, type_: str) -> Table:
        """The table of a record type that activities can be connected to.

        Raises `InvalidRequest` (type_not_connectable).
        """
        logical = logical_name(type_)
        table = await self.table(logical) if logical else None
        if table is None or not table.takes_activities:
            raise InvalidRequest(
                "Dynamics 365 connects no activities to records of this type.",
                code="type_not_connectable",
            )
        return table

    async def lookup(self, table: ActivityTable, field: CategoryField) -> Lookup | None:
        """How a lookup column is written, asked for once; None where there is none, as yet."""
        key = (table.logical, field.name)
        found = self.knowledge.lookups.get(key) or await self._ask_for_lookup(table, field)
        if found is not None:
            self.knowledge.lookups[key] = found
        return found

    async def _ask_for_lookup(self, table: ActivityTable, field: CategoryField) -> Lookup | None:
        reply = await self.wire.get(queries.lookup_definition(table, field.name))
        if not reply.ok:
            raise fault(reply)
        for row in reply.json.get("value", ()):
            if field.lookup_type in (None, row["ReferencedEntity"]):
                target = await self.table(row["ReferencedEntity"])
                if target is not None:
                    return Lookup(row["ReferencingEntityNavigationPropertyName"], target)
        return None


def not_there() -> NotFound:
    return NotFound("Dynamics 365 has no such record, or you may not see it.")
