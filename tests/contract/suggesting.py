"""What looking for candidates promises, whatever the CRM.

A CRM's test subclasses `SuggestingContract` with a `harness` fixture, as for `CrmContract`.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain import Email, Participant, RecordRef
from shared.errors import Forbidden
from shared.suggestions import Candidates, Clues
from tests.contract import items
from tests.contract.harness import Harness
from tests.contract.people import Cast, cast
from tests.contract.saving import save

TYPES = ("account", "contact", "opportunity", "case", "lead")
NOW = datetime(2026, 2, 16, 8, tzinfo=UTC)
SERIES = "040000008200E00074C5B7101A82E008{}B0C5D5F4D2C1DC01000000000000000010000000C1F2A3B4"

HOSTILE = (
    "o'brien@harbourline.example",
    "') or 1 eq 1 or contains(name,'",
    "%@harbourline.example",
    "_@harbourline.example",
    "[a-z]@harbourline.example",
    'x" OR ""="@x.example',
    "a\\'b@x.example",
    "nul\x00@x.example",
    "\ud800@x.example",
    "&$filter=true@x.example",
    "\r\n--batch\r\nDELETE /accounts HTTP/1.1@x.example",
    "x" * 5_000 + "@x.example",
    "田中@例え.example",
)


def clues(*outsiders: str, domains: tuple[str, ...] = (), **others: tuple[str, ...]) -> Clues:
    fields = {"addresses": outsiders, "outsiders": outsiders, "domains": domains, **others}
    return Clues(**fields)  # type: ignore[arg-type]


def reply(*answered: str, message_id: str = "<new@customer.example>") -> Clues:
    return Clues(message_ids=(message_id, *answered))


def ids(found: Candidates) -> set[str]:
    """Of everything but users."""
    refs = (one.ref for group in (found.contacts, found.accounts, found.records) for one in group)
    return {ref.id for ref in refs}


def thread(*participants: Participant, subject: str = "Re") -> Email:
    """A message that answers two earlier ones."""
    return replace(
        items.email(*participants, message_id="<3@customer.example>", subject=subject),
        in_reply_to="<2@ours.example>",
        references=("<1@customer.example>", "<2@ours.example>"),
    )


class SuggestingContract:
    @pytest.fixture
    def people(self, harness: Harness) -> Cast:
        return cast(harness.company)

    async def test_a_contact_brings_the_account_and_what_is_open_there(
        self, harness: Harness, people: Cast
    ) -> None:
        company, contact = harness.company, people.contact
        crm = harness.crm(people.caller.address)
        asked = replace(clues(contact.email), addresses=(contact.email, people.colleague.address))
        found = await crm.candidates(asked, TYPES, NOW)
        assert [(user.ref.type, user.addresses) for user in found.users] == [
            ("user", (people.colleague.address,))
        ]
        (one,) = found.contacts
        assert one.ref.id == harness.ref("contact", contact.id).id
        assert one.ref.name == f"{contact.first_name} {contact.last_name}"
        assert one.addresses == (contact.email,)
        assert one.account_id == harness.ref("account", contact.account).id
        account = next(a for a in company.accounts if a.id == contact.account)
        assert account.name in {a.ref.name for a in found.accounts}
        wanted = {
            harness.ref("opportunity", o.id).id
            for o in company.opportunities
            if o.account == contact.account and o.state == "open"
        } | {
            harness.ref("case", c.id).id
            for c in company.cases
            if c.account == contact.account and c.state == "open"
        }
        assert wanted
        assert wanted <= ids(found)
        assert all(record.ref.url.startswith("https://") for record in found.records)
        deal = next(o for o in company.opportunities if o.account == contact.account)
        seen = {record.ref.id: record for record in found.records}
        record = seen[harness.ref("opportunity", deal.id).id]
        assert record.ref.type == "opportunity"
        assert (record.ref.name, record.description) == (deal.name, deal.description)
        assert record.account_id == one.account_id
        assert record.open
        assert record.modified_at == datetime.fromisoformat(deal.modified)

    async def test_a_second_address_is_as_good(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        found = await crm.candidates(clues(people.second.email2), TYPES, NOW)
        assert [one.ref.id for one in found.contacts] == [
            harness.ref("contact", people.second.id).id
        ]

    async def test_the_parent_company_and_its_deals_come_along(
        self, harness: Harness, people: Cast
    ) -> None:
        company = harness.company
        child = next(a for a in company.accounts if a.parent)
        contact = next(c for c in company.contacts if c.account == child.id)
        crm = harness.crm(people.caller.address)
        found = await crm.candidates(clues(contact.email), TYPES, NOW)
        accounts = {one.ref.id: one for one in found.accounts}
        parent = harness.ref("account", child.parent or "").id
        assert accounts[harness.ref("account", child.id).id].parent_id == parent
        assert parent in accounts
        theirs = {
            harness.ref("opportunity", o.id).id
            for o in company.opportunities
            if o.account == child.parent and o.state == "open"
        }
        assert theirs
        assert theirs <= ids(found)

    @pytest.mark.parametrize("host", ["", "eu.", "mail.eu."])
    async def test_a_domain_brings_the_company_and_no_other(
        self, harness: Harness, people: Cast, host: str
    ) -> None:
        account = harness.company.accounts[0]
        domain = account.email.partition("@")[2]
        lineage = tuple(dict.fromkeys((host + domain, domain)))
        crm = harness.crm(people.caller.address)
        found = await crm.candidates(clues(f"new@{host}{domain}", domains=lineage), TYPES, NOW)
        assert [one.ref.id for one in found.accounts] == [harness.ref("account", account.id).id]
        assert domain in found.accounts[0].domains
        assert found.contacts == ()

    @pytest.mark.parametrize(
        "other", ["{tail}", "{whole}.net", "%{tail}", "{start}_{end}", "[a-z]{tail}", "%", "_"]
    )
    async def test_what_only_resembles_a_domain_brings_nothing(
        self, harness: Harness, people: Cast, other: str
    ) -> None:
        domain = harness.company.accounts[0].email.partition("@")[2]
        other = other.format(whole=domain, tail=domain[1:], start=domain[:3], end=domain[4:])
        crm = harness.crm(people.caller.address)
        found = await crm.candidates(clues(domains=(other,)), TYPES, NOW)
        assert ids(found) == set()

    async def test_the_general_address_of_a_company_is_known(
        self, harness: Harness, people: Cast
    ) -> None:
        account = harness.company.accounts[0]
        crm = harness.crm(people.caller.address)
        found = await crm.candidates(clues(account.email), TYPES, NOW)
        assert [one.addresses for one in found.accounts] == [(account.email,)]

    async def test_leads_are_found_by_address_and_people_by_name(
        self, harness: Harness, people: Cast
    ) -> None:
        lead, contact = harness.company.leads[0], people.contact
        crm = harness.crm(people.caller.address)
        found = await crm.candidates(clues(lead.email), TYPES, NOW)
        (record,) = found.records
        assert record.ref.type == "lead"
        assert lead.topic in (record.ref.name, record.description), "where leads have no topic"
        assert (record.addresses, record.company) == ((lead.email,), lead.company)
        assert record.person == f"{lead.first_name} {lead.last_name}"
        names = (f"{lead.first_name} {lead.last_name}".upper(),)
        named = await crm.candidates(clues(names=names), TYPES, NOW)
        assert [one.ref.id for one in named.records] == [record.ref.id]
        names = (f"{contact.first_name} {contact.last_name}".lower(),)
        named = await crm.candidates(clues(names=names), TYPES, NOW)
        assert [one.ref.id for one in named.contacts] == [harness.ref("contact", contact.id).id]

    async def test_deals_closed_lately_are_there_and_older_ones_not(
        self, harness: Harness, people: Cast
    ) -> None:
        company = harness.company
        deal = next(o for o in company.opportunities if o.state != "open")
        contact = next(c for c in company.contacts if c.account == deal.account)
        id_ = harness.ref("opportunity", deal.id).id
        crm = harness.crm(people.caller.address)
        closed = datetime.fromisoformat(deal.modified)
        soon = await crm.candidates(clues(contact.email), TYPES, closed + timedelta(days=80))
        assert [one.open for one in soon.records if one.ref.id == id_] == [False]
        late = await crm.candidates(clues(contact.email), TYPES, closed + timedelta(days=100))
        assert id_ not in ids(late)

    async def test_types_that_the_admin_left_out_are_absent(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        asked = clues(people.contact.email, harness.company.leads[0].email)
        found = await crm.candidates(asked, ("opportunity",), NOW)
        assert {one.ref.type for one in found.records} == {"opportunity"}

    async def test_nobody_known_brings_nothing(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.caller.address)
        asked = clues("a@nowhere.example", domains=("nowhere.example",))
        assert await crm.candidates(asked, TYPES, NOW) == Candidates()
        assert await crm.candidates(Clues(), TYPES, NOW) == Candidates()

    @pytest.mark.parametrize(
        "asked",
        [
            reply("<3@customer.example>"),
            reply("<1@customer.example>", "<2@ours.example>"),
            reply("<1@customer.example>"),
            reply(message_id="<3@customer.example>"),
            reply(message_id="<1@customer.example>"),
        ],
        ids=["answer", "sibling", "other branch", "the message itself", "the first of the thread"],
    )
    async def test_what_was_saved_in_the_conversation_is_found(
        self, harness: Harness, people: Cast, asked: Clues
    ) -> None:
        deal = next(o for o in harness.company.opportunities if o.state != "open")
        link = harness.ref("opportunity", deal.id)
        await save(harness.crm(people.colleague.address), thread(), link)
        found = await harness.crm(people.caller.address).candidates(asked, TYPES, NOW)
        assert [(one.record.type, one.record.id) for one in found.filed] == [
            ("opportunity", link.id)
        ]
        assert found.filed[0].same_conversation
        assert [one.ref.name for one in found.records] == [deal.name]

    async def test_other_conversations_and_unlinked_mail_are_not(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        await save(crm, thread())
        await save(crm, items.email(message_id="<9@customer.example>"), _first_deal(harness))
        found = await crm.candidates(reply("<1@customer.example>"), TYPES, NOW)
        assert found.filed == ()

    @pytest.mark.parametrize("date", ["00000000", "07EA0310"])
    async def test_a_meeting_finds_its_series(
        self, harness: Harness, people: Cast, date: str
    ) -> None:
        uid = SERIES.format("00000000")
        meet = items.meeting(
            uid=uid, ical_uid=SERIES.format(date), occurrence=items.SENT, subject="Review"
        )
        crm = harness.crm(people.caller.address)
        await save(crm, meet, _first_deal(harness))
        found = await crm.candidates(Clues(conversation_id=uid), TYPES, NOW)
        assert [one.same_conversation for one in found.filed] == [True]
        other = SERIES.format("00000000").replace("B0C5", "B0C6")
        found = await crm.candidates(Clues(conversation_id=other), TYPES, NOW)
        assert found.filed == ()

    @pytest.mark.parametrize("kind", ["email", "meeting"])
    async def test_earlier_choices_for_the_same_people_and_domain_are_found(
        self, harness: Harness, people: Cast, kind: str
    ) -> None:
        stranger, me = "ann@newcomer.example", people.caller.address
        item = (
            items.email(items.sender(stranger), *items.to(me))
            if kind == "email"
            else items.meeting(items.organizer(me), *items.attendees(stranger))
        )
        crm = harness.crm(me)
        await save(crm, item, _first_deal(harness))
        now = datetime.now(UTC)
        for asked in (
            clues(stranger),
            clues("bob@eu.newcomer.example", domains=("eu.newcomer.example", "newcomer.example")),
        ):
            found = await crm.candidates(asked, TYPES, now)
            assert [one.record.id for one in found.filed] == [_first_deal(harness).id]
            assert not found.filed[0].same_conversation
            assert stranger in found.filed[0].addresses
            assert [one.ref.id for one in found.records] == [_first_deal(harness).id]
        assert (await crm.candidates(clues("ann@other.example"), TYPES, now)).filed == ()

    async def test_who_sees_only_own_records_gets_none_of_others(
        self, harness: Harness, people: Cast
    ) -> None:
        hidden, company = people.hidden, harness.company
        link = harness.ref("account", hidden.account)
        await save(harness.crm(people.caller.address), thread(items.sender(hidden.email)), link)
        domain = hidden.email.partition("@")[2]
        asked = replace(
            clues(hidden.email, domains=(domain,)),
            names=(f"{hidden.first_name} {hidden.last_name}",),
            message_ids=("<1@customer.example>",),
        )
        everyone = await harness.crm(people.caller.address).candidates(asked, TYPES, NOW)
        assert ids(everyone)
        assert everyone.filed
        mine = await harness.crm(people.limited.address).candidates(asked, TYPES, NOW)
        own = (people.limited.oid, people.limited.address)
        visible = {
            harness.ref("opportunity", o.id).id for o in company.opportunities if o.owner in own
        }
        assert ids(mine) <= visible
        assert mine.filed == ()

    async def test_who_has_no_licence_is_told_so(self, harness: Harness, people: Cast) -> None:
        crm = harness.crm(people.unlicensed.address)
        with pytest.raises(Forbidden):
            await crm.candidates(clues(people.contact.email), TYPES, NOW)

    async def test_hostile_clues_find_nothing_and_break_nothing(
        self, harness: Harness, people: Cast
    ) -> None:
        crm = harness.crm(people.caller.address)
        asked = Clues(
            addresses=HOSTILE,
            outsiders=HOSTILE,
            names=HOSTILE,
            domains=tuple(one.partition("@")[0] for one in HOSTILE if "@" in one),
            conversation_id=HOSTILE[1],
            message_ids=HOSTILE,
        )
        assert ids(await crm.candidates(asked, TYPES, NOW)) == set()

    async def test_very_many_addresses_are_looked_for(self, harness: Harness, people: Cast) -> None:
        crowd = tuple(f"guest{n}@crowd{n}.example" for n in range(400))
        crm = harness.crm(people.caller.address)
        asked = clues(*crowd, people.contact.email, domains=tuple(c.split("@")[1] for c in crowd))
        found = await crm.candidates(asked, TYPES, NOW)
        assert [one.ref.id for one in found.contacts] == [
            harness.ref("contact", people.contact.id).id
        ]


def _first_deal(harness: Harness) -> RecordRef:
    return harness.ref("opportunity", harness.company.opportunities[0].id)
