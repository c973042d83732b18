"""What is Dataverse's own about the adapter, over the wire against the stand-in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from sandbox.dataverse.sample import ORGANIZATION, fixed_id
from sandbox.world import CLIENT_ID, CLIENT_SECRET, TENANT
from shared.crm import Connection, open_crm
from shared.crm.dataverse import keys
from shared.crm.dataverse.adapter import DataverseCrm
from shared.crm.dataverse.knowledge import FRESH, Knowledge
from shared.domain import Activity, Change, Filing, Limits, RecordRef
from shared.errors import (
    Conflict,
    InvalidRequest,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from shared.outbound import Sender
from tests.contract import items
from tests.contract.dataverse_harness import CATEGORIES, SPARING, DataverseHarness
from tests.contract.people import Cast
from tests.contract.saving import save, told


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    sender = Sender()
    yield sender
    await sender.aclose()


def calls(harness: DataverseHarness) -> int:
    return len(harness.sandbox.requests("dataverse"))


class Tokens:
    """Gives these tokens in turn, the last one for ever."""

    def __init__(self, *tokens: str) -> None:
        self._tokens: Iterator[str] = iter(tokens)
        self._last = tokens[-1]
        self.asked = 0

    async def __call__(self, scope: str) -> str:
        self.asked += 1
        return next(self._tokens, self._last)


def connected(
    harness: DataverseHarness, sender: Sender, tokens: Tokens, caller_object_id: str | None = None
) -> DataverseCrm:
    root = f"{harness.sandbox.url}/dataverse"
    connection = Connection(
        sender, sender.errand(60, "cid"), tokens, caller_object_id, categories=CATEGORIES
    )
    return DataverseCrm(Knowledge(root, f"{root}/.default"), connection)


async def test_it_is_opened_by_name(
    monkeypatch: pytest.MonkeyPatch, harness: DataverseHarness, sender: Sender, people: Cast
) -> None:
    monkeypatch.setenv("THREADLINE_DATAVERSE_URL", f"{harness.sandbox.url}/dataverse/")
    token = harness.sandbox.token(people.caller.address, audience="dataverse")
    opened = open_crm("dataverse")(Connection(sender, sender.errand(60), Tokens(token)))
    assert opened.name == "dataverse"
    await opened.check()
    with pytest.raises(Unsupported):
        open_crm("nonsense")


async def test_a_warm_worker_saves_in_two_calls_and_edits_in_two(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast
) -> None:
    await crm.look_up(items.email(message_id="<warm@x.example>"), None)
    account = harness.ref("account", harness.company.accounts[0].id)
    people_of_mail = items.to(*(c.email for c in harness.company.contacts[:4]))
    mail = items.email(items.sender(people.caller.address), *people_of_mail)
    before = calls(harness)
    files = [items.file(f"{n}.txt", b"x" * 10_000) for n in range(3)]
    saved = await save(crm, mail, account, files, {"new_topic": 100_000_000})
    assert calls(harness) == before + 2
    await crm.edit("email", saved.activity.id, Change(links=(), contacts=()))
    assert calls(harness) == before + 4
    assert await crm.find(mail) is not None
    assert calls(harness) == before + 5


async def test_what_went_out_is_sent_and_what_came_in_received(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast
) -> None:
    queue = harness.company.queues[0].address
    for number, (from_, outgoing, status) in enumerate(
        [
            (people.colleague.address, True, 3),
            (queue, True, 3),
            (people.contact.email, False, 4),
            ("nobody@elsewhere.example", False, 4),
        ]
    ):
        mail = items.email(items.sender(from_), message_id=f"<{number}@x.example>")
        saved = await save(crm, mail)
        row = harness.sandbox.world.store.get("dataverse", "email", saved.activity.id)
        assert row is not None
        assert (row["directioncode"], row["statecode"], row["statuscode"]) == (outgoing, 1, status)
        assert row["sortdate"] == "2026-01-05T09:00:00Z"


@pytest.mark.parametrize(("cancelled", "state"), [(False, (3, 5)), (True, (2, 4))])
async def test_a_meeting_ends_scheduled_or_cancelled(
    harness: DataverseHarness, crm: DataverseCrm, cancelled: bool, state: tuple[int, int]
) -> None:
    saved = await save(crm, items.meeting(cancelled=cancelled))
    row = harness.sandbox.world.store.get("dataverse", "appointment", saved.activity.id)
    assert row is not None
    assert (row["statecode"], row["statuscode"]) == state


async def test_a_refused_token_is_asked_for_anew_once(
    harness: DataverseHarness, sender: Sender, people: Cast
) -> None:
    good = harness.sandbox.token(people.caller.address, audience="dataverse")
    tokens = Tokens("expired", good)
    await connected(harness, sender, tokens).check()
    assert tokens.asked == 2
    tokens = Tokens("expired")
    with pytest.raises(Unauthenticated):
        await connected(harness, sender, tokens).find(items.email())
    assert tokens.asked == 2


async def test_the_app_saves_in_a_users_name(
    harness: DataverseHarness, sender: Sender, people: Cast
) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{harness.sandbox.url}/entra/{TENANT}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
                "scope": f"{harness.sandbox.url}/dataverse/.default",
            },
        )
    tokens = Tokens(answer.json()["access_token"])
    saved = await save(connected(harness, sender, tokens, people.colleague.oid), items.email())
    assert saved.activity.saved_by.email == people.colleague.address


async def test_only_the_copy_of_this_very_occurrence_is_adopted(
    harness: DataverseHarness, crm: DataverseCrm
) -> None:
    first = items.meeting(uid="series", occurrence=items.SENT)
    later = items.SENT + timedelta(days=7)
    second = replace(first, start=later, end=later + timedelta(hours=1), occurrence=later)
    id_ = await harness.plant_copy(first)
    found = await crm.find(first)
    assert found is not None
    assert found.id == id_
    assert await crm.find(second) is None
    assert (await save(crm, second)).created


async def test_of_two_copies_everybody_gets_the_older(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast
) -> None:
    first = await harness.plant_copy(items.email())
    await harness.plant_copy(items.email(subject="newer"))
    for address in (people.caller.address, people.colleague.address):
        found = await harness.crm(address).find(items.email())
        assert found is not None
        assert found.id == first


class Meddling(httpx.AsyncBaseTransport):
    """Somebody else changes something before every second call, so many times."""

    def __init__(self, meddle: Callable[[], Awaitable[None]], times: int) -> None:
        self._inner = httpx.AsyncHTTPTransport(verify=httpx.create_ssl_context())
        self._meddle = meddle
        self._times = times
        self._calls = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._calls += 1
        if self._calls % 2 == 0 and self._times > 0:
            self._times -= 1
            await self._meddle()
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


@pytest.mark.parametrize("times", [1, 2])
async def test_a_record_that_changed_since_it_was_read_is_read_again_once(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast, times: int
) -> None:
    mail = items.email(items.sender(people.contact.email))
    saved = (await save(crm, mail)).activity
    account = harness.ref("account", harness.company.accounts[0].id)
    parties = {"value": [{"participationtypemask": 2, "addressused": "new@x.example"}]}

    async def add_a_party() -> None:
        path = f"emails({saved.id})"
        await harness.write("PATCH", path, {"statecode": 0, "statuscode": 1})
        await harness.write("PUT", f"{path}/email_activity_parties", parties)
        await harness.write("PATCH", path, {"statecode": 1, "statuscode": 4})

    async def edit() -> Activity:
        sender = Sender(transport=Meddling(add_a_party, times))
        try:
            meddled = harness.crm_over(sender, people.caller.address)
            return await meddled.edit("email", saved.id, Change(links=(account,), contacts=()))
        finally:
            await sender.aclose()

    if times == 1:
        assert (await edit()).unmatched == ("new@x.example",)
    else:
        with pytest.raises(Conflict):
            await edit()
    now = await crm.find(mail)
    assert now is not None
    assert now.unmatched == ("new@x.example",)
    assert bool(now.links) is (times == 1)


async def test_an_email_being_sent_is_not_touched(
    harness: DataverseHarness, crm: DataverseCrm
) -> None:
    saved = (await save(crm, items.email())).activity
    path = f"emails({saved.id})"
    await harness.write("PATCH", path, {"statecode": 0, "statuscode": 1})
    await harness.write("PATCH", path, {"statecode": 1, "statuscode": 6})
    account = harness.ref("account", harness.company.accounts[0].id)
    with pytest.raises(Conflict):
        await crm.edit("email", saved.id, Change(links=(account,)))


async def test_a_custom_table_is_linked_to_once_its_shape_is_known(
    harness: DataverseHarness, crm: DataverseCrm
) -> None:
    project = RecordRef("new_project", fixed_id("new_project", "Harbour extension"))
    saved = await save(crm, items.email(), project)
    assert [(link.type, link.id) for link in saved.activity.links] == [("new_project", project.id)]
    before = calls(harness)
    await crm.look_up(items.meeting(), project)
    assert calls(harness) == before + 1
    removed = await crm.edit("email", saved.activity.id, Change(links=()))
    assert removed.links == ()


async def test_limits_are_remembered_for_less_than_five_minutes(
    harness: DataverseHarness, sender: Sender, people: Cast
) -> None:
    now = [0.0]
    token = harness.sandbox.token(people.caller.address, audience="dataverse")
    root = f"{harness.sandbox.url}/dataverse"
    knowledge = Knowledge(root, f"{root}/.default", clock=lambda: now[0])
    crm = DataverseCrm(knowledge, Connection(sender, sender.errand(60), Tokens(token)))
    old = (await crm.look_up(items.email(), None)).limits
    await harness.set_limits(Limits(300, frozenset()))
    assert (await crm.look_up(items.email(), None)).limits == old
    now[0] = FRESH
    assert FRESH < 300
    assert (await crm.look_up(items.email(), None)).limits == Limits(300, frozenset())


async def test_a_limit_lowered_meanwhile_is_told_and_learnt(
    harness: DataverseHarness, crm: DataverseCrm
) -> None:
    files = [items.file("a.bin", b"x" * 3000)]
    known = await crm.look_up(items.email(), None)
    await harness.set_limits(Limits(300, frozenset()))
    with pytest.raises(TooLarge):
        await crm.save(items.email(), Filing(), known, files)
    assert await harness.count("email") == 0
    assert (await crm.look_up(items.email(), None)).limits.max_bytes == 300


@pytest.mark.parametrize("cancelled", [False, True])
async def test_deleting_our_record_first_detaches_it_from_the_calendar(
    harness: DataverseHarness, crm: DataverseCrm, cancelled: bool
) -> None:
    saved = (await save(crm, items.meeting(cancelled=cancelled))).activity
    before = calls(harness)
    assert (await crm.delete("meeting", saved.id)).id == saved.id
    assert calls(harness) == before + 2
    assert await harness.count("meeting") == 0


async def test_deleting_our_record_cancels_nobodys_meeting(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast
) -> None:
    store = harness.sandbox.world.store
    event = next(e for e in store.all("graph", "events") if not e["fields"].get("isCancelled"))
    saved = (await save(crm, items.meeting(uid=event["uid"]))).activity
    synced = f"{harness.sandbox.url}/sandbox/dataverse/appointments/{saved.id}/synced"
    async with httpx.AsyncClient() as client:
        (await client.post(synced)).raise_for_status()
    await crm.delete("meeting", saved.id)
    after = [e for e in store.all("graph", "events") if e["uid"] == event["uid"]]
    assert after
    assert not any(e["fields"].get("isCancelled") for e in after)


async def test_another_tools_meeting_is_only_deleted_where_calendars_are_spared(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast
) -> None:
    id_ = await harness.plant_copy(items.meeting())
    with pytest.raises(InvalidRequest):
        await crm.delete("meeting", id_)
    assert await harness.count("meeting") == 1
    await harness.write("PATCH", f"organizations({ORGANIZATION})", {"orgdborgsettings": SPARING})
    await harness.crm(people.caller.address).delete("meeting", id_)
    assert await harness.count("meeting") == 0


async def test_another_tools_email_is_deleted(harness: DataverseHarness, crm: DataverseCrm) -> None:
    await crm.delete("email", await harness.plant_copy(items.email()))
    assert await harness.count("email") == 0


async def test_a_record_deleted_while_it_is_finished_is_not_brought_back_empty(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast
) -> None:
    await harness.set_limits(Limits(20_000_000, frozenset()))
    files = [items.file("large.bin", b"x" * 5_000_000)]
    with harness.interrupted(1), pytest.raises(Unavailable):
        await save(harness.crm(people.caller.address), items.email(), files=files)
    known = await crm.look_up(items.email(), None)
    assert known.existing is not None
    assert not known.existing.complete
    assert known.existing.activity.id == keys.activity_id(items.email())
    await crm.delete("email", known.existing.activity.id)
    for chosen in (files, []):
        with pytest.raises(Conflict):
            await crm.save(items.email(), Filing(), known, chosen)
    assert await harness.count("email") == 0
    assert (await save(crm, items.email(), files=files)).created


async def test_ten_at_once_share_one_large_file(harness: DataverseHarness, people: Cast) -> None:
    await harness.set_limits(Limits(20_000_000, frozenset()))
    files = [items.file("large.bin", b"x" * 5_000_000), items.file("small.txt", b"abc")]
    addresses = [people.caller.address, people.colleague.address] * 5
    results = await asyncio.gather(
        *(save(harness.crm(address), items.email(), files=files) for address in addresses)
    )
    assert {len(result.activity.files) for result in results} == {2}
    assert len({str(told(result.activity)) for result in results}) == 1
    assert sum(result.created for result in results) == 1
    assert await harness.count("email") == 1


async def test_more_than_a_thousand_queries_are_split(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast
) -> None:
    long = [f"{'漢' * 180}{n}@x.example" for n in range(400)]
    before = calls(harness)
    known = await crm.look_up(
        items.email(items.sender(people.contact.email), *items.to(*long)), None
    )
    assert calls(harness) > before + 1
    assert [*known.parties] == [people.contact.email]


async def test_a_choice_given_as_text_is_refused_before_anything_is_written(
    harness: DataverseHarness, crm: DataverseCrm, people: Cast
) -> None:
    """Other CRMs name a choice by its text, so the policy can't tell."""
    mail = items.email(message_id="<choice@x.example>")
    with pytest.raises(InvalidRequest) as refused:
        await save(crm, mail, None, [], {"new_topic": "Complaint"})
    assert [error.field for error in refused.value.errors] == ["categories.new_topic"]
    assert await crm.find(mail) is None
