"""Salesforce as a `Crm`."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Final

from shared.contacts import Acquaintance, Added, NewContact, Stranger
from shared.crm import Connection, OpenCrm
from shared.crm.salesforce import (
    candidates,
    changing,
    composite,
    contacting,
    deleting,
    describing,
    looking,
    queries,
    refreshing,
    saving,
    searching,
)
from shared.crm.salesforce.channel import Channel
from shared.crm.salesforce.faults import fault
from shared.crm.salesforce.identity import Usernames
from shared.crm.salesforce.knowledge import Knowledge
from shared.crm.salesforce.replies import NAME
from shared.crm.salesforce.session import Session
from shared.crm.salesforce.settings import MEBIBYTE, SalesforceSettings
from shared.crm.salesforce.tokens import Tokens
from shared.crm.salesforce.wire import Wire
from shared.domain import (
    Activity,
    ActivityKind,
    Change,
    Deletion,
    File,
    Filing,
    Item,
    Limits,
    LookUp,
    Meeting,
    RecordRef,
    Saved,
)
from shared.errors import Forbidden, Unavailable, Upstream
from shared.outbound import Call
from shared.outbound import Limits as Patience
from shared.records import Description, FoundRecord, Search, Wanted
from shared.settings import PREFIX, from_environment
from shared.suggestions import Candidates, Clues

_PATIENCE: Final = Patience()


@dataclass(frozen=True)
class Organization:
    """What all callers of one worker share."""

    settings: SalesforceSettings
    knowledge: Knowledge
    channel: Channel
    tokens: Tokens
    usernames: Usernames
    patience: Patience


class SalesforceCrm:
    """One caller's view of one organisation; implements `shared.ports.Crm`. Cheap to make.

    A connection without a user is the app's own: it can be checked and does nothing else.
    """

    def __init__(self, organization: Organization, connection: Connection) -> None:
        self._organization = organization
        self._connection = connection
        wire = self._wire(self._callers_name)
        user = connection.user.oid if connection.user else ""
        self._session = Session(wire, organization.knowledge, user, connection.categories)

    @property
    def name(self) -> str:
        return NAME

    async def look_up(self, item: Item, link: RecordRef | None) -> LookUp:
        session = self._session
        return await session.renewing(lambda: looking.look_up(session, item, link))

    async def save(self, item: Item, filing: Filing, known: LookUp, files: Sequence[File]) -> Saved:
        session = self._session
        return await session.renewing(lambda: saving.save(session, item, filing, known, files))

    async def find(self, item: Item) -> Activity | None:
        return await self._session.renewing(lambda: looking.find(self._session, item))

    async def edit(self, kind: ActivityKind, id: str, change: Change) -> Activity:
        session = self._session
        return await session.renewing(lambda: changing.edit(session, kind, id, change))

    async def delete(self, kind: ActivityKind, id: str) -> Deletion:
        return await deleting.delete(self._session, kind, id)

    async def refresh(self, meeting: Meeting, known: LookUp) -> Activity:
        session = self._session
        return await session.renewing(lambda: refreshing.refresh(session, meeting, known))

    async def cancel(self, id: str) -> None:
        session = self._session
        await session.renewing(lambda: refreshing.cancel(session, id))

    async def candidates(self, clues: Clues, types: Collection[str], now: datetime) -> Candidates:
        session = self._session
        return await session.renewing(lambda: candidates.find(session, clues, types, now))

    async def search(self, search: Search) -> Sequence[FoundRecord]:
        return await self._session.renewing(lambda: searching.search(self._session, search))

    async def describe(
        self, kind: ActivityKind, wanted: Sequence[Wanted], language: str
    ) -> Description:
        session = self._session
        return await session.renewing(lambda: describing.describe(session, kind, wanted, language))

    async def acquaintance(self, stranger: Stranger) -> Acquaintance:
        return await self._session.renewing(
            lambda: contacting.acquaintance(self._session, stranger)
        )

    async def add_contact(self, contact: NewContact) -> Added:
        return await self._session.renewing(lambda: contacting.add(self._session, contact))

    async def check(self) -> str | None:
        """As the caller; without one as the integration user, and without that the address alone,
        since nobody else may sign in."""
        if self._connection.user is not None:
            await self._session.shape()
        elif self._organization.settings.integration_user:
            await self._check_as_itself()
        else:
            await self._check_address()
        return _PACKAGE_MISSING if self._organization.knowledge.package_missing else None

    async def _check_as_itself(self) -> None:
        """Whoever keeps the app from signing in at all keeps everybody from it, so that is no
        matter of one person's rights."""
        try:
            await self._as_itself.shape()
        except Forbidden as refused:
            raise Upstream(refused.detail) from refused

    async def _check_address(self) -> None:
        call = Call("GET", f"{self._organization.knowledge.root}/services/data/", repeatable=True)
        answer = await self._connection.sender.send(call, self._connection.errand)
        if answer.status != HTTPStatus.OK:
            raise Unavailable("Salesforce is not available.")

    @property
    def _as_itself(self) -> Session:
        return Session(self._wire(self._own_name), self._organization.knowledge, "", {})

    def _wire(self, username: Callable[[], Awaitable[str]]) -> Wire:
        organization, connection = self._organization, self._connection

        async def token(refused: str | None) -> str:
            name = await username()
            return await organization.tokens.token(
                name, connection.sender, connection.errand, refused
            )

        return Wire(organization.channel, connection, token, organization.patience)

    async def _own_name(self) -> str:
        return self._organization.settings.integration_user

    async def _callers_name(self) -> str:
        if self._connection.user is None:
            raise Forbidden("Salesforce lets nobody in without a name.")
        return await self._organization.usernames.of(self._connection.user, self._federated)

    async def _federated(self, oid: str) -> str | None:
        """The username of the one active user with that Federation ID."""
        wire = self._wire(self._own_name)
        answers = await wire.ask([composite.query("users", queries.username_of(oid))])
        if not answers["users"].ok:
            raise fault(answers["users"])
        rows = answers["users"].rows
        return str(rows[0]["Username"]) if len(rows) == 1 else None


_PACKAGE_MISSING: Final = (
    "Salesforce lacks Threadline's own fields, or hides them from users: two people who save the "
    "same item at the same moment could make two records. Deploy infra/salesforce and assign its "
    "permission set."
)


def opener(settings: SalesforceSettings | None = None) -> OpenCrm:
    """Reads the settings and returns what makes the callers' views. What those learn of the
    organisation, the threads and the connections they share."""
    settings = settings or from_environment(SalesforceSettings, f"{PREFIX}SALESFORCE_")
    organization = organized(settings, Channel(settings.root))
    return lambda connection: SalesforceCrm(organization, connection)


def organized(
    settings: SalesforceSettings, channel: Channel, patience: Patience = _PATIENCE
) -> Organization:
    limits = Limits(settings.max_file_mb * MEBIBYTE, settings.extensions)
    return Organization(
        settings,
        Knowledge(settings.root, limits),
        channel,
        Tokens(settings),
        Usernames(settings),
        patience,
    )
