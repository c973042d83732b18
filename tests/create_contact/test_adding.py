"""What is proposed and made of an item, over a mailbox and a CRM in memory."""

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from create_contact import logic
from create_contact.logic import Proposal
from create_contact.payload import ContactRequest
from sandbox.company import Contact
from shared.contacts import Added
from shared.domain import Body, Item, Participant, RecordRef, Role
from shared.errors import Forbidden, InvalidRequest, NotFound, Unavailable
from shared.policy import Exclusions, Policy
from tests.contract import items
from tests.fakes.crm import CrmWorld, FakeCrm
from tests.fakes.mailbox import FakeMailbox, MailboxWorld

JANE = "Jane.Doe@fenwick-cold.example"
SIGNED = (
    "Hello,\nwe would like an offer.\n\n-- \nJane Doe\nHead of Pumps\nFenwick Cold Storage Ltd\n"
    "Tel. +44 1394 555 0142\n"
)


class Office:
    def __init__(self) -> None:
        self.world = CrmWorld()
        self.company = self.world.company
        people = [e for e in self.company.employees if e.crm_user]
        able = [e.address for e in people if e.crm_read == "all" and e.crm_write]
        self.me, self.colleague = able[:2]
        self.limited = next(e.address for e in people if e.crm_read == "own")
        self.reader = next(e.address for e in people if not e.crm_write)
        self.mailboxes = MailboxWorld()
        self.policy = Policy()

    def mail(self, sender: str = JANE, name: str = "Doe, Jane", text: str = SIGNED) -> Item:
        return items.email(items.sender(sender, name), *items.to(self.me), body=text, html=False)

    async def propose(self, item: Item, address: str = JANE, **others: Any) -> Proposal:
        return await logic.propose(address=address, **self._parts(item, **others))

    async def add(
        self, item: Item, address: str = JANE, edits: dict[str, Any] | None = None, **others: Any
    ) -> Added:
        asked = {"item": {"kind": "email", "id": "A"}, "address": address, **(edits or {})}
        request = ContactRequest.model_validate_json(json.dumps(asked))
        parts = self._parts(item, **others)
        return await logic.add(address=request.address, edit=request.edit, **parts)

    def _parts(self, item: Item, who: str = "", own: tuple[str, ...] = ()) -> dict[str, Any]:
        address = who or self.me
        ref = self.mailboxes.put(address, replace(item, ref=replace(item.ref, id="A1")))
        return {
            "ref": ref,
            "crm": FakeCrm(self.world, address),
            "mailbox": FakeMailbox(self.mailboxes, address),
            "policy": self.policy,
            "own_addresses": own or (address, "me"),
        }


@pytest.fixture
def office() -> Office:
    return Office()


def account_of(office: Office, name: str) -> RecordRef:
    found = next(a for a in office.company.accounts if a.name.startswith(name))
    return RecordRef("account", found.id, found.name)


async def test_header_signature_and_domain_make_the_contact(office: Office) -> None:
    proposal = await office.propose(office.mail())
    contact = proposal.contact
    assert (contact.first_name, contact.last_name) == ("Jane", "Doe")
    assert (contact.job_title, contact.phone) == ("Head of Pumps", "+44 1394 555 0142")
    assert contact.address == JANE
    assert contact.account is not None
    assert contact.account.name == "Fenwick Cold Storage Ltd"
    assert proposal.companies == (contact.account,)
    assert proposal.existing is None
    assert office.world.calls == ["acquaintance"]
    added = await office.add(office.mail(), JANE.upper())
    assert added.created
    assert (added.contact.ref.name, added.contact.ref.email) == ("Jane Doe", JANE)
    assert (added.contact.job_title, added.contact.phone) == (contact.job_title, contact.phone)
    assert added.contact.account is not None
    assert added.contact.account.id == contact.account.id


async def test_what_the_user_says_counts(office: Office) -> None:
    other = account_of(office, "Harbourline Logistics")
    edits = {
        "firstName": "Janet",
        "lastName": " O'Doe ",
        "jobTitle": None,
        "phone": "",
        "company": {"type": "account", "id": other.id},
    }
    made = (await office.add(office.mail(), edits=edits)).contact
    assert (made.first_name, made.last_name, made.job_title, made.phone) == (
        "Janet",
        "O'Doe",
        "",
        "",
    )
    assert made.account is not None
    assert made.account.name == other.name


async def test_no_company_and_no_first_name_can_be_wanted(office: Office) -> None:
    edits = {"firstName": "", "lastName": None, "company": None}
    made = (await office.add(office.mail(), edits=edits)).contact
    assert (made.first_name, made.last_name) == ("", "Doe")
    assert made.account is None
    assert made.job_title == "Head of Pumps"


@pytest.mark.parametrize(
    "edits",
    [
        {"lastName": ""},
        {"lastName": "  "},
        {"lastName": "x" * 201},
        {"firstName": "a\r\nb"},
        {"phone": "0" * 41},
        {"company": {"type": "contact", "id": "1"}},
        {"company": {"type": "account", "id": "1') or 1"}},
        {"email": "x@y.example"},
    ],
)
def test_what_can_not_be_meant_is_no_request(edits: dict[str, Any]) -> None:
    asked = {"item": {"kind": "email", "id": "A"}, "address": JANE, **edits}
    with pytest.raises(ValidationError):
        ContactRequest.model_validate_json(json.dumps(asked))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "a b@x.example",
        "a@b@x.example",
        "<a@x.example>",
        "a@x.example\r\nBcc: y",
        "/o=Exch",
    ],
)
def test_what_is_no_address_is_no_request(address: str) -> None:
    with pytest.raises(ValidationError):
        ContactRequest.model_validate_json(
            json.dumps({"item": {"kind": "email", "id": "A"}, "address": address})
        )


async def test_there_is_one_contact_however_often(office: Office) -> None:
    first = await office.add(office.mail())
    again = await office.add(
        office.mail(JANE.lower(), "Somebody Else"),
        JANE.lower(),
        {"firstName": "Else"},
        who=office.colleague,
    )
    assert (again.created, again.contact.ref.id) == (False, first.contact.ref.id)
    assert again.contact.first_name == "Jane"
    proposal = await office.propose(office.mail())
    assert proposal.existing == first.contact
    assert office.world.calls.count("add_contact") == 1


async def test_a_known_contact_is_told(office: Office) -> None:
    known: Contact = next(c for c in office.company.contacts if c.email2)
    for address in (known.email, known.email2):
        added = await office.add(office.mail(address), address)
        assert (added.created, added.contact.ref.id) == (False, known.id)


async def test_only_who_takes_part_can_be_added(office: Office) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await office.add(office.mail(), "somebody@elsewhere.example")
    assert [error.field for error in refused.value.errors] == ["address"]
    room = Participant("room@elsewhere.example", "Room 1", Role.RESOURCE)
    meeting = items.meeting(items.organizer(JANE), room)
    with pytest.raises(InvalidRequest):
        await office.add(meeting, room.address)
    assert office.world.calls == []


async def test_colleagues_are_refused(office: Office) -> None:
    """Whoever has our domain, the domain of a colleague who takes part, or is a user or queue."""
    queue = office.company.queues[0].address
    stranger = "someone@contoso.example"
    for address, own in (
        (office.colleague, ()),
        (stranger, ()),
        ("x@mail.contoso.example", ()),
        (queue, ("me@other.example",)),
        (stranger, ("me@other.example",)),
        ("jane@branch.example", ("me@other.example", "team@branch.example")),
    ):
        mail = items.email(items.sender(address, "Someone"), *items.to(office.me))
        with pytest.raises(InvalidRequest) as refused:
            await office.add(mail, address, own=own)
        assert refused.value.code == "invalid"
        assert [error.field for error in refused.value.errors] == ["address"]
    assert "add_contact" not in office.world.calls


async def test_a_free_mail_provider_is_nobody_s_own(office: Office) -> None:
    mail = items.email(items.sender("jane@gmail.com", "Jane Doe"), *items.to("me@gmail.com"))
    proposal = await office.propose(mail, "jane@gmail.com", own=("me@gmail.com", "me"))
    assert proposal.contact.account is None
    assert proposal.companies == ()
    with pytest.raises(InvalidRequest):
        await office.propose(mail, "ME@gmail.com", own=("me@gmail.com", "me"))


async def test_free_mail_never_names_a_company(office: Office) -> None:
    first = office.company.accounts[0]
    odd = replace(first, email="info@gmail.com", website="https://www.gmail.com")
    rest = office.company.accounts[1:]
    office.world.company = replace(office.company, accounts=(odd, *rest))
    mail = items.email(items.sender("jane@gmail.com", "Jane Doe"))
    assert (await office.propose(mail, "jane@gmail.com")).companies == ()


async def test_excluded_people_are_refused_before_the_crm_is_asked(office: Office) -> None:
    office.policy = Policy(exclusions=Exclusions(domains=("fenwick-cold.example",)))
    with pytest.raises(InvalidRequest) as refused:
        await office.add(office.mail())
    assert refused.value.code == "excluded"
    assert office.world.calls == []


async def test_of_two_companies_at_one_domain_neither_is_taken(office: Office) -> None:
    fenwick = next(a for a in office.company.accounts if a.name.startswith("Fenwick"))
    twin = replace(fenwick, id="5d0c1a52-0000-4000-8000-000000000001", name="Fenwick Twin")
    office.world.company = replace(office.company, accounts=(*office.company.accounts, twin))
    proposal = await office.propose(office.mail())
    assert proposal.contact.account is None
    assert {one.name for one in proposal.companies} == {fenwick.name, twin.name}


async def test_the_nearer_of_two_companies_is_taken(office: Office) -> None:
    fenwick = next(a for a in office.company.accounts if a.name.startswith("Fenwick"))
    branch = replace(
        fenwick,
        id="5d0c1a52-0000-4000-8000-000000000001",
        name="A branch",
        website="https://www.east.fenwick-cold.example",
        email="info@east.fenwick-cold.example",
    )
    office.world.company = replace(office.company, accounts=(*office.company.accounts, branch))
    at_branch, at_home = "jane@east.fenwick-cold.example", JANE
    for address, wanted in ((at_branch, branch.name), (at_home, fenwick.name)):
        proposal = await office.propose(office.mail(address), address)
        assert proposal.contact.account is not None
        assert proposal.contact.account.name == wanted
        assert len(proposal.companies) == 2


async def test_a_signature_is_its_writer_s_alone(office: Office) -> None:
    """A recipient gets nothing of it, even where the name is the same."""
    mail = items.email(
        items.sender("other@elsewhere.example", "Jane Doe"),
        Participant(JANE, "Jane Doe", Role.TO),
        body=SIGNED,
        html=False,
    )
    contact = (await office.propose(mail)).contact
    assert (contact.first_name, contact.job_title, contact.phone) == ("Jane", "", "")
    organized = replace(items.meeting(items.organizer(JANE)), body=Body(SIGNED, html=False))
    assert (await office.propose(organized)).contact.phone == ""


async def test_the_sender_s_own_name_goes_before_others(office: Office) -> None:
    mail = items.email(
        Participant(JANE, "Wrong Name", Role.CC), items.sender(JANE, "Jane Doe"), *items.to(JANE)
    )
    assert (await office.propose(mail)).contact.last_name == "Doe"
    nameless = items.email(items.sender(JANE), Participant(JANE, "Jane Doe", Role.CC))
    assert (await office.propose(nameless)).contact.last_name == "Doe"
    nobody = items.email(items.sender(JANE))
    assert (await office.propose(nobody)).contact.last_name == "Jane.Doe"


async def test_rights_and_failures_are_passed_on(office: Office) -> None:
    with pytest.raises(Forbidden):
        await office.add(office.mail(), who=office.reader)
    edits = {"company": {"type": "account", "id": "5d0c1a52-0000-4000-8000-000000000009"}}
    with pytest.raises(NotFound):
        await office.add(office.mail(), edits=edits)
    await office.add(office.mail())
    with pytest.raises(Forbidden):
        await office.add(office.mail(), who=office.limited)
    office.world.failures["acquaintance"] = Unavailable("down")
    with pytest.raises(Unavailable):
        await office.propose(office.mail())
    office.mailboxes.failure = NotFound("gone", code="item_not_found")
    with pytest.raises(NotFound):
        await office.propose(office.mail())


@pytest.mark.parametrize("name", ["\ud800", "x" * 10_000, "=1+1", "<b>x</b>", "a\r\nBcc: b"])
async def test_a_hostile_name_makes_a_plain_contact(office: Office, name: str) -> None:
    added = await office.add(office.mail(name=name, text="<script>" * 10_000))
    assert added.created
    assert added.notices == ()
    assert (added.contact.first_name, added.contact.last_name) == ("", "Jane.Doe")


async def test_a_crowd_does_not_grow_the_question(office: Office) -> None:
    crowd = items.to(*(f"p{n}@elsewhere.example" for n in range(5_000)))
    mail = items.email(*crowd, items.sender("a@elsewhere.example"), Participant(JANE, "", Role.BCC))
    asked: list[int] = []

    class Listening(FakeCrm):
        async def acquaintance(self, stranger: Any) -> Any:
            asked.append(len(stranger.present))
            assert stranger.present[0] == JANE.lower()
            return await super().acquaintance(stranger)

    parts = office._parts(mail)
    await logic.propose(address=JANE, **{**parts, "crm": Listening(office.world, office.me)})
    assert asked == [60]
