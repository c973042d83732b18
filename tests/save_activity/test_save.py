"""What a save decides, over a mailbox and a CRM in memory."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from save_activity import logic
from save_activity.payload import SaveRequest
from shared.domain import (
    Attachment,
    AttachmentKind,
    Item,
    ItemRef,
    Limits,
    LookUp,
    RecordRef,
    Rejection,
    Saved,
)
from shared.errors import Forbidden, InvalidRequest, NotFound, ThreadlineError, Unavailable
from shared.policy import CategoryField, Exclusions, Policy, RecordType
from shared.saving.attachments import SMALL, choose
from tests.contract import items
from tests.fakes.crm import CrmWorld, FakeCrm
from tests.fakes.mailbox import FakeMailbox, MailboxWorld

CATEGORIES = (CategoryField(name="topic", type="choice"),)


class Office:
    """One person at work: their mailbox, and the CRM as they see it."""

    def __init__(self) -> None:
        self.crm_world = CrmWorld(categories={"email": CATEGORIES, "meeting": ()})
        able = [e for e in self.crm_world.company.employees if e.crm_read == "all" and e.crm_write]
        self.me, self.colleague = (e.address for e in able[:2])
        self.mailboxes = MailboxWorld()
        self.policy = Policy(email_categories=CATEGORIES)
        self.account = self.crm_world.company.accounts[0].id
        self.opportunity = self.crm_world.company.opportunities[0].id

    def receive(
        self,
        item: Item | None = None,
        attachments: Sequence[Attachment] = (),
        contents: Mapping[str, bytes] | None = None,
    ) -> None:
        found = replace(item or items.email(), attachments=tuple(attachments))
        found = replace(found, ref=replace(found.ref, id="A1"))
        for address in (self.me, self.colleague):
            self.mailboxes.put(address, found, contents)

    async def save(
        self,
        address: str = "",
        *,
        crm: FakeCrm | None = None,
        mailbox: FakeMailbox | None = None,
        kind: str = "email",
        **fields: Any,
    ) -> Saved:
        request = SaveRequest.model_validate(
            {"item": {"kind": kind, "id": "A1"}} | fields, strict=False
        )
        return await logic.save(
            request,
            crm=crm or FakeCrm(self.crm_world, address or self.me),
            mailbox=mailbox or FakeMailbox(self.mailboxes, address or self.me),
            policy=self.policy,
        )

    async def refused(self, **fields: Any) -> InvalidRequest:
        """The refusal of a save that must leave nothing behind."""
        with pytest.raises(InvalidRequest) as refused:
            await self.save(**fields)
        assert self.crm_world.records == {}
        return refused.value

    def link(self, type_: str = "account") -> list[dict[str, str]]:
        return [{"type": type_, "id": self.account if type_ == "account" else self.opportunity}]


@pytest.fixture
def office() -> Office:
    return Office()


def file(name: str, size: int = 3, **traits: Any) -> Attachment:
    traits = {"kind": AttachmentKind.FILE, "content_type": "text/plain"} | traits
    return Attachment(id=f"id-{name}".replace(".", "-"), name=name, size=size, **traits)


async def test_a_new_email_is_saved_where_it_was_asked_to(office: Office) -> None:
    office.receive(items.email(items.sender("stranger@elsewhere.example")))
    saved = await office.save(links=office.link(), categories={"topic": 4})
    assert saved.created
    assert [(link.type, link.id) for link in saved.activity.links] == [("account", office.account)]
    assert saved.activity.links[0].name
    assert saved.activity.categories == {"topic": 4}
    assert saved.activity.notices == ()


async def test_saving_again_from_another_mailbox_gives_the_same_record(office: Office) -> None:
    office.receive(attachments=[file("a.txt")], contents={"id-a-txt": b"abc"})
    first = await office.save(links=office.link())
    again = await office.save(office.colleague, links=office.link())
    assert first.created
    assert not again.created
    assert again.activity == first.activity
    assert len(office.crm_world.records) == 1


async def test_fifty_at_once_make_one_whole_record(office: Office) -> None:
    office.receive(attachments=[file("a.txt")], contents={"id-a-txt": b"abc"})
    results = await asyncio.gather(
        *(office.save((office.me, office.colleague)[n % 2]) for n in range(50))
    )
    assert sum(result.created for result in results) == 1
    assert {len(result.activity.files) for result in results} == {1}
    assert len(office.crm_world.records) == 1


async def test_a_different_wish_for_what_is_saved_is_not_ignored_silently(office: Office) -> None:
    office.receive()
    await office.save(links=office.link("account"))
    for wish in ({"links": office.link("opportunity")}, {"categories": {"topic": 2}}):
        again = await office.save(office.colleague, **wish)
        assert [link.type for link in again.activity.links] == ["account"]
        assert [notice.code for notice in again.activity.notices] == ["already_saved"]
    assert (await office.save(categories={"topic": None})).activity.notices == ()


async def test_what_is_saved_already_is_not_written_again(office: Office) -> None:
    office.receive()
    await office.save()
    office.crm_world.calls.clear()
    await office.save()
    assert office.crm_world.calls == ["look_up"]


async def test_an_interrupted_save_is_finished(office: Office) -> None:
    office.receive(attachments=[file("a.txt")], contents={"id-a-txt": b"abc"})
    office.crm_world.breaks_after = 1
    with pytest.raises(Unavailable):
        await office.save()
    office.crm_world.breaks_after = None
    saved = await office.save(office.colleague)
    assert [saved_file.name for saved_file in saved.activity.files] == ["a.txt"]
    assert all(record.complete for record in office.crm_world.records.values())
    assert len(office.crm_world.records) == 1


async def test_another_tools_record_is_adopted_and_given_no_files(office: Office) -> None:
    mail = items.email()
    office.receive(mail, [file("a.txt")], {"id-a-txt": b"abc"})
    owner = next(e for e in office.crm_world.company.employees if e.address == office.colleague)
    id_ = office.crm_world.plant(mail, owner)
    saved = await office.save(links=office.link())
    assert not saved.created
    assert saved.activity.id == id_
    assert [link.id for link in saved.activity.links] == [office.account]
    assert saved.activity.files == ()
    assert [notice.code for notice in saved.activity.notices] == ["adopted"]


@pytest.mark.parametrize(
    ("policy", "fields", "code"),
    [
        (Policy(save_emails=False), {}, "invalid"),
        (Policy(save_meetings=False), {"kind": "meeting"}, "invalid"),
        (Policy(), {"links": [{"type": "account", "id": "1"}] * 2}, "too_many_links"),
        (
            Policy(record_types=(RecordType(type="case"),)),
            {"links": [{"type": "account", "id": "1"}]},
            "type_not_connectable",
        ),
        (Policy(), {"categories": {"topic": 1}}, "invalid"),
        (
            Policy(email_categories=(CategoryField(name="topic", type="choice", required=True),)),
            {},
            "invalid",
        ),
    ],
)
async def test_what_the_policy_forbids_is_refused_before_anyone_is_asked(
    office: Office, policy: Policy, fields: dict[str, Any], code: str
) -> None:
    office.receive(items.meeting() if fields.get("kind") == "meeting" else None)
    office.policy = policy
    assert (await office.refused(**fields)).code == code
    assert office.mailboxes.calls == []
    assert office.crm_world.calls == []


async def test_the_kind_switched_off_does_not_touch_the_other(office: Office) -> None:
    office.receive(items.meeting())
    office.policy = Policy(save_emails=False)
    assert (await office.save(kind="meeting", scope="occurrence")).created


async def test_the_excluded_are_not_even_looked_up(office: Office) -> None:
    office.receive(items.email(items.sender("ann@mail.secret.example")))
    office.policy = Policy(exclusions=Exclusions(domains=("secret.example",)))
    assert (await office.refused()).code == "excluded"
    assert office.crm_world.calls == []


async def test_a_draft_email_is_refused_and_a_draft_meeting_saved(office: Office) -> None:
    office.receive(replace(items.email(), is_draft=True, message_id=None, sent_at=None))
    assert "draft" in (await office.refused()).detail
    office.receive(replace(items.meeting(), is_draft=True))
    assert (await office.save(kind="meeting")).created


@pytest.mark.parametrize("scope", [None, "occurrence"])
async def test_of_a_series_one_has_to_choose_what_to_save(office: Office, scope: Any) -> None:
    office.receive(items.meeting(is_series=True))
    refusal = await office.refused(kind="meeting", scope=scope)
    assert [error.field for error in refusal.errors] == ["scope"]
    assert '"series"' in refusal.detail


@pytest.mark.parametrize(
    ("kind", "scope"), [("email", "occurrence"), ("email", "series"), ("meeting", "conversation")]
)
def test_a_scope_belongs_to_its_kind(kind: Any, scope: Any) -> None:
    request = SaveRequest.model_validate(
        {"item": {"kind": kind, "id": "A1"}, "scope": scope}, strict=False
    )
    with pytest.raises(InvalidRequest) as refused:
        logic.check_scope(request)
    assert [error.field for error in refused.value.errors] == ["scope"]


async def test_what_is_missing_is_named(office: Office) -> None:
    with pytest.raises(NotFound) as missing:
        await office.save()
    assert missing.value.code == "item_not_found"
    office.receive()
    ghost = [{"type": "account", "id": "5d0c1a52-0000-4000-8000-000000000000"}]
    with pytest.raises(NotFound) as missing:
        await office.save(links=ghost)
    assert missing.value.code == "record_not_found"


FILES = (file("a.txt"), file("b.txt"), file("logo.png", inline=True))
CONTENTS = {file(name).id: name.encode() for name in ("a.txt", "b.txt", "logo.png")}


@pytest.mark.parametrize(
    ("mode", "asked", "saved"),
    [
        ("all", "default", ["a.txt", "b.txt"]),
        ("none", "default", []),
        ("off", "default", []),
        ("off", [], []),
        ("all", [], []),
        ("all", ["id-b-txt"], ["b.txt"]),
        ("none", ["id-a-txt", "id-a-txt"], ["a.txt"]),
    ],
)
async def test_the_mode_sets_the_default_and_the_choice_wins(
    office: Office, mode: Any, asked: Any, saved: list[str]
) -> None:
    office.receive(attachments=FILES, contents=CONTENTS)
    office.policy = Policy(attachments=mode)
    activity = (await office.save(attachments=asked)).activity
    assert [one.name for one in activity.files] == saved
    assert activity.rejected == ()


async def test_choosing_where_the_admin_switched_off_or_what_is_not_there_is_refused(
    office: Office,
) -> None:
    office.receive(attachments=FILES, contents=CONTENTS)
    unknown = await office.refused(attachments=["id-a-txt", "nosuch"])
    assert [error.field for error in unknown.errors] == ["attachments.1"]
    office.policy = Policy(attachments="off")
    assert (await office.refused(attachments=["id-a-txt"])).code == "invalid"


async def test_an_inline_one_is_never_saved_and_told_only_to_who_asked(office: Office) -> None:
    office.receive(attachments=FILES, contents=CONTENTS)
    activity = (await office.save(attachments=["id-logo-png", "id-a-txt"])).activity
    assert [one.name for one in activity.files] == ["a.txt"]
    assert activity.rejected == (Rejection("logo.png", "inline"),)


async def test_what_the_crm_does_not_take_is_told_and_the_rest_saved(office: Office) -> None:
    office.crm_world.limits = Limits(1000, frozenset({"exe"}))
    office.receive(
        attachments=[
            file("a.txt"),
            file("tool.EXE"),
            file("trick.exe. "),
            file("big.bin", 1001),
            file("gone.txt"),
            file("grown.txt", 10),
        ],
        contents={"id-a-txt": b"abc", "id-tool-EXE": b"x", "id-grown-txt": b"x" * 1001},
    )
    first = await office.save()
    assert [one.name for one in first.activity.files] == ["a.txt"]
    assert set(first.activity.rejected) == {
        Rejection("tool.EXE", "blocked_type"),
        Rejection("trick.exe", "blocked_type"),
        Rejection("big.bin", "too_large", 1000),
        Rejection("gone.txt", "unavailable"),
        Rejection("grown.txt", "too_large", 1000),
    }


async def test_refusals_known_without_reading_are_told_to_who_saves_again(office: Office) -> None:
    office.receive(attachments=[file("tool.exe")], contents={"id-tool-exe": b"x"})
    first = await office.save()
    again = await office.save(office.colleague)
    assert (
        again.activity.rejected
        == first.activity.rejected
        == (Rejection("tool.exe", "blocked_type"),)
    )


async def test_attached_items_and_references_get_names_that_open(office: Office) -> None:
    item = file("Re: offer", kind=AttachmentKind.ITEM, content_type="")
    reference = file("Plan", 0, kind=AttachmentKind.REFERENCE, url="https://x.example/plan")
    office.receive(
        attachments=[item, reference],
        contents={item.id: b"Subject: offer", reference.id: b"[InternetShortcut]"},
    )
    saved = await office.save()
    assert [one.name for one in saved.activity.files] == ["Re_ offer.eml", "Plan.url"]


async def test_a_reference_is_kept_as_text_where_shortcuts_are_blocked(office: Office) -> None:
    office.crm_world.limits = Limits(1000, frozenset({"url"}))
    reference = file("Plan", 0, kind=AttachmentKind.REFERENCE, url="https://x.example/plan")
    office.receive(attachments=[reference], contents={reference.id: b"[InternetShortcut]"})
    saved = await office.save()
    assert [one.name for one in saved.activity.files] == ["Plan.url.txt"]


async def test_two_attachments_alike_in_everything_are_both_saved(office: Office) -> None:
    twins = [replace(file("a.txt"), id="1"), replace(file("a.txt"), id="2")]
    office.receive(attachments=twins, contents={"1": b"one", "2": b"two"})
    saved = await office.save()
    assert [one.name for one in saved.activity.files] == ["a.txt", "a.txt"]


async def test_large_files_are_read_only_when_they_are_stored(office: Office) -> None:
    large = [file("one.bin", SMALL + 1), file("two.bin", SMALL + 1)]
    office.crm_world.limits = Limits(SMALL * 2, frozenset())
    office.receive(
        attachments=[file("a.txt"), *large],
        contents={"id-a-txt": b"abc"} | {one.id: b"x" * one.size for one in large},
    )
    saved = await office.save()
    assert len(saved.activity.files) == 3
    assert office.mailboxes.calls == ["fetch", "read_files", "read_files", "read_files"]


async def test_a_large_file_that_vanished_or_grew_does_not_spoil_the_rest(office: Office) -> None:
    office.crm_world.limits = Limits(SMALL + 10, frozenset())
    office.receive(
        attachments=[file("gone.bin", SMALL + 1), file("grown.bin", SMALL + 2), file("a.txt")],
        contents={"id-a-txt": b"abc", "id-grown-bin": b"x" * (SMALL + 11)},
    )
    saved = await office.save()
    assert [one.name for one in saved.activity.files] == ["a.txt"]
    assert set(saved.activity.rejected) == {
        Rejection("gone.bin", "unavailable"),
        Rejection("grown.bin", "too_large", SMALL + 10),
    }
    (record,) = office.crm_world.records.values()
    assert record.complete


class Together:
    """Lets a mailbox and a CRM wait for each other, which they can only side by side."""

    def __init__(self) -> None:
        self.reading = asyncio.Event()
        self.looking = asyncio.Event()
        self.cancelled = False


class WaitingMailbox(FakeMailbox):
    def __init__(self, world: MailboxWorld, address: str, point: Together) -> None:
        super().__init__(world, address)
        self._point = point

    async def read_files(
        self, ref: ItemRef, attachments: Sequence[Attachment]
    ) -> Sequence[bytes | None]:
        self._point.reading.set()
        try:
            await self._point.looking.wait()
        except asyncio.CancelledError:
            self._point.cancelled = True
            raise
        return await super().read_files(ref, attachments)


class WaitingCrm(FakeCrm):
    def __init__(self, world: CrmWorld, address: str, point: Together, tell: bool) -> None:
        super().__init__(world, address)
        self._point = point
        self._tell = tell

    async def look_up(self, item: Item, link: RecordRef | None) -> LookUp:
        await self._point.reading.wait()
        if self._tell:
            self._point.looking.set()
        return await super().look_up(item, link)


async def test_attachments_are_read_while_the_crm_is_looked_up(office: Office) -> None:
    office.receive(attachments=[file("a.txt")], contents={"id-a-txt": b"abc"})
    point = Together()
    async with asyncio.timeout(60):
        saved = await office.save(
            crm=WaitingCrm(office.crm_world, office.me, point, tell=True),
            mailbox=WaitingMailbox(office.mailboxes, office.me, point),
        )
    assert [one.name for one in saved.activity.files] == ["a.txt"]


async def test_reading_ends_where_the_item_is_saved_already(office: Office) -> None:
    office.receive(attachments=[file("a.txt")], contents={"id-a-txt": b"abc"})
    first = await office.save()
    point = Together()
    async with asyncio.timeout(60):
        again = await office.save(
            crm=WaitingCrm(office.crm_world, office.me, point, tell=False),
            mailbox=WaitingMailbox(office.mailboxes, office.me, point),
        )
    assert again.activity == first.activity
    assert point.cancelled


async def test_reading_ends_where_looking_up_fails(office: Office) -> None:
    office.receive(attachments=[file("a.txt")], contents={"id-a-txt": b"abc"})
    office.crm_world.failures["look_up"] = Forbidden("No.")
    point = Together()
    async with asyncio.timeout(60):
        with pytest.raises(Forbidden):
            await office.save(
                crm=WaitingCrm(office.crm_world, office.me, point, tell=False),
                mailbox=WaitingMailbox(office.mailboxes, office.me, point),
            )
    assert point.cancelled


class FailingMailbox(FakeMailbox):
    async def read_files(
        self, ref: ItemRef, attachments: Sequence[Attachment]
    ) -> Sequence[bytes | None]:
        raise Unavailable("Outlook did not answer.")


@pytest.mark.parametrize("failing", ["fetch", "read_files", "look_up", "save"])
async def test_a_failure_anywhere_is_told_and_a_second_try_succeeds(
    office: Office, failing: str
) -> None:
    office.receive(attachments=[file("a.txt")], contents={"id-a-txt": b"abc"})
    down: ThreadlineError = Unavailable("Down.")
    mailbox = None
    if failing == "fetch":
        office.mailboxes.failure = down
    elif failing == "read_files":
        mailbox = FailingMailbox(office.mailboxes, office.me)
    else:
        office.crm_world.failures[failing] = down
    with pytest.raises(Unavailable):
        await office.save(mailbox=mailbox)
    office.mailboxes.failure = None
    assert office.crm_world.records == {}
    assert (await office.save()).created


def test_the_key_of_a_file_is_the_same_in_every_mailbox() -> None:
    mine = choose([file("a.txt"), file("b.txt")], "default", "all").wanted
    theirs = choose(
        [replace(file("b.txt"), id="x"), replace(file("a.txt"), id="y")], "default", "all"
    ).wanted
    assert {one.attachment.name: one.key for one in mine} == {
        one.attachment.name: one.key for one in theirs
    }
    chosen_alone = choose([file("a.txt"), file("b.txt")], ["id-b-txt"], "none").wanted
    assert chosen_alone[0].key == mine[1].key
