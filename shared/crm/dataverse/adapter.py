"""Dataverse as a `Crm`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from shared.crm import Connection, OpenCrm
from shared.crm.dataverse import changing, deleting, looking, refreshing, saving
from shared.crm.dataverse.faults import fault
from shared.crm.dataverse.knowledge import Knowledge
from shared.crm.dataverse.replies import NAME
from shared.crm.dataverse.session import Session
from shared.crm.dataverse.settings import DataverseSettings
from shared.crm.dataverse.wire import Wire
from shared.domain import (
    Activity,
    ActivityKind,
    Change,
    Deletion,
    File,
    Filing,
    Item,
    LookUp,
    Meeting,
    RecordRef,
    Saved,
)
from shared.settings import PREFIX, from_environment

if TYPE_CHECKING:
    from shared.contacts import Acquaintance, Added, NewContact, Stranger
    from shared.records import Description, FoundRecord, Search, Wanted
    from shared.suggestions import Candidates, Clues


class DataverseCrm:
    """One caller's view of one organisation; implements `shared.ports.Crm`. Cheap to make.

    What only the pane needs is imported when it asks: a worker that saves starts faster so.
    """

    def __init__(self, knowledge: Knowledge, connection: Connection) -> None:
        wire = Wire(knowledge.root, knowledge.scope, connection)
        self._session = Session(wire, knowledge, connection.categories)

    @property
    def name(self) -> str:
        return NAME

    async def look_up(self, item: Item, link: RecordRef | None) -> LookUp:
        return await looking.look_up(self._session, item, link)

    async def save(self, item: Item, filing: Filing, known: LookUp, files: Sequence[File]) -> Saved:
        return await saving.save(self._session, item, filing, known, files)

    async def find(self, item: Item) -> Activity | None:
        return await looking.find(self._session, item)

    async def edit(self, kind: ActivityKind, id: str, change: Change) -> Activity:
        return await changing.edit(self._session, kind, id, change)

    async def delete(self, kind: ActivityKind, id: str) -> Deletion:
        return await deleting.delete(self._session, kind, id)

    async def refresh(self, meeting: Meeting, known: LookUp) -> Activity:
        return await refreshing.refresh(self._session, meeting, known)

    async def cancel(self, id: str) -> None:
        await refreshing.cancel(self._session, id)

    async def candidates(
        self, clues: "Clues", types: Collection[str], now: datetime
    ) -> "Candidates":
        from shared.crm.dataverse import candidates

        return await candidates.find(self._session, clues, types, now)

    async def search(self, search: "Search") -> "Sequence[FoundRecord]":
        from shared.crm.dataverse import searching

        return await searching.search(self._session, search)

    async def describe(
        self, kind: ActivityKind, wanted: "Sequence[Wanted]", language: str
    ) -> "Description":
        from shared.crm.dataverse import describing

        return await describing.describe(self._session, kind, wanted, language)

    async def acquaintance(self, stranger: "Stranger") -> "Acquaintance":
        from shared.crm.dataverse import contacting

        return await contacting.acquaintance(self._session, stranger)

    async def add_contact(self, contact: "NewContact") -> "Added":
        from shared.crm.dataverse import contacting

        return await contacting.add(self._session, contact)

    async def check(self) -> None:
        reply = await self._session.wire.get("WhoAmI")
        if not reply.ok:
            raise fault(reply)


def opener(settings: DataverseSettings | None = None) -> OpenCrm:
    """Reads the settings and returns what makes the callers' views. What those learn of the
    organisation they share."""
    settings = settings or from_environment(DataverseSettings, f"{PREFIX}DATAVERSE_")
    knowledge = Knowledge(settings.root, settings.scope)
    return lambda connection: DataverseCrm(knowledge, connection)
