"""Any text comes back from a row as it was, and no key, property or row is what the service
refuses."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.errors import TooLarge
from shared.following import (
    Filed,
    FollowedDraft,
    FollowedMeeting,
    FollowedThread,
    Origin,
    Subscription,
    people_of,
)
from shared.ledger import followed, origins, receipts, subscriptions
from shared.ledger.followings import TableFollowings
from shared.ledger.rows import MOST, Row, as_was, cut, joined, key_of, written
from shared.ledger.subscriptions import TableSubscriptions
from shared.ledger.table import Account, Found
from shared.receipts import Receipt
from tests.contract.followed import NOW, meeting, thread
from tests.contract.followings_contract import bare
from tests.sandbox.host.host_process import ROOT

ANY = st.text(
    st.characters(codec=None, exclude_categories=())
    | st.sampled_from("/\\#?%'\"+:~\x00\x7f\ud800"),
    max_size=1_000,
)
MOMENTS = st.datetimes(
    NOW.replace(year=1970, tzinfo=None),
    NOW.replace(year=9000, tzinfo=None),
    timezones=st.just(UTC),
)
FORBIDDEN = set("/\\#?") | {chr(n) for n in [*range(0x20), *range(0x7F, 0xA0)]}


def threads() -> st.SearchStrategy[FollowedThread]:
    people = st.frozensets(st.integers(0, 10**6), max_size=50)
    return st.builds(
        FollowedThread,
        mailbox=ANY,
        id=ANY,
        owner=ANY,
        filed=st.just(Filed()),
        people=people.map(lambda all_: people_of(map(str, all_))),
        record=ANY,
        since=MOMENTS,
        until=MOMENTS,
        stopped=st.booleans(),
    )


def drafts() -> st.SearchStrategy[FollowedDraft]:
    return st.builds(
        FollowedDraft,
        mailbox=ANY,
        item=ANY,
        owner=ANY,
        receipt=ANY,
        until=MOMENTS,
        missing_since=st.none() | MOMENTS,
    )


def meetings() -> st.SearchStrategy[FollowedMeeting]:
    return st.builds(
        FollowedMeeting,
        mailbox=ANY,
        item=ANY,
        watched=ANY,
        scope=st.sampled_from(["occurrence", "series"]),
        identity=ANY,
        owner=ANY,
        record=ANY,
        organizer=st.booleans(),
        filed=st.just(Filed()),
        until=MOMENTS,
    )


def takes(row: Row) -> None:
    """What the service says of a row: see `shared.ledger.rows`."""
    for key in (row["PartitionKey"], row["RowKey"]):
        assert 0 < len(key) <= 512
        assert not FORBIDDEN & set(key)
    size = 0
    for value in row.values():
        if isinstance(value, str):
            assert value.isascii()
            assert value.isprintable()
            assert len(value) < 32_768
        if isinstance(value, bytes):
            assert len(value) <= 65_536
        size += len(value) * 2 if isinstance(value, str | bytes) else 8
    assert size < 1_048_576


@given(ANY)
@example("")
@example("\ud83d\ude00")
def test_any_text_is_written_so_that_it_can_be_read(text: str) -> None:
    assert as_was(written(text)) == text
    assert written(text).isascii()
    assert written(text).isprintable()


@given(ANY)
@example("~" + "0" * 32)
@example("a" * 65)
@example("anna@contoso.example")
def test_a_part_of_a_key_is_short_plain_and_nobody_else_s(text: str) -> None:
    key = key_of(text)
    assert 0 < len(key) <= 64
    assert ":" not in key
    assert key == text or (key != text and key.startswith("~") and key_of(key) != key)


def test_what_is_plain_stays_readable() -> None:
    assert key_of("anna.b-c_d@contoso.example") == "anna.b-c_d@contoso.example"
    assert key_of("9f4c9f62-3b0e-4a53-9c8a-0c4e1f0f4e6b") == "9f4c9f62-3b0e-4a53-9c8a-0c4e1f0f4e6b"
    assert written("AAMkAGI2TG93/+AAA=") == "AAMkAGI2TG93/+AAA="


@given(threads() | drafts() | meetings())
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_followed_comes_back_as_it_was(
    one: FollowedThread | FollowedDraft | FollowedMeeting,
) -> None:
    for row in followed.rows_of(one):
        takes(row)
        back = followed.followed_of(Found(row, 'W/"1"'))
        assert replace(back, version="") == one
        mark = followed.mark_of(back.version)
        assert mark.key == row["RowKey"]
        assert followed.own_key(one) in mark.keys
    listing = followed.listing_row("record", one.mailbox, followed.own_key(one))
    takes(listing)
    assert followed.listed(listing) == (key_of(one.mailbox), followed.own_key(one))


@given(ANY, ANY, st.datetimes(timezones=st.just(UTC)))
def test_a_subscription_comes_back_and_its_secret_names_its_row(
    mailbox: str, id: str, moment: datetime
) -> None:
    one = Subscription(
        mailbox,
        "meeting",
        subscriptions.new_secret(mailbox, "meeting"),
        id,
        moment,
        moment,
        {"a": id},
        address=id,
    )
    row = subscriptions.row_of(one)
    takes(row)
    assert subscriptions.subscription_of(row, "") == one
    assert len(one.secret) <= 128
    assert subscriptions.place_of(one.secret) == (row["PartitionKey"], row["RowKey"])


@given(ANY)
@example("email:a:" + "A" * 43)
@example("email:~" + "0" * 32 + ":" + "A" * 43)
def test_of_no_text_a_secret_is_looked_for_at_a_strange_place(text: str) -> None:
    partition, key = subscriptions.place_of(text)
    takes({"PartitionKey": partition, "RowKey": key})
    assert key in ("email", "meeting")
    assert "'" not in partition


@given(ANY, ANY, ANY)
def test_an_origin_comes_back_as_it_was(identity: str, actor: str, mailbox: str) -> None:
    one = Origin(identity, "series", actor, mailbox)
    takes(origins.row_of(one))
    assert origins.origin_of(origins.row_of(one), identity) == one


@given(st.text(max_size=100), st.integers(0, 3))
def test_what_is_cut_is_joined(text: str, times: int) -> None:
    long = text * 500 * times
    row = {**cut("Asked", long), **cut("AskedToo", "x"), "Asked": "y"}
    assert joined("Asked", row) == long


def test_what_does_not_fit_a_row_is_refused() -> None:
    with pytest.raises(TooLarge):
        cut("Asked", "ä" * (MOST // 2 + 1))


def test_rows_hold_ids_only() -> None:
    one = thread("sales@contoso.example")
    held = json.dumps([*followed.rows_of(one)], default=repr)
    assert "anna@contoso.example" not in held
    assert "kim@fabrikam.example" not in held
    known = followed.message_row("m", one.id, "<secret.words@contoso.example>")
    assert "words" not in json.dumps(known)
    told = origins.row_of(Origin("email:<secret.words@contoso.example>", "asked", "a", "b"))
    assert "words" not in json.dumps(told)


def test_the_meetings_of_an_event_are_one_range_of_keys() -> None:
    one = meeting("m", watched="series")
    own, by_series = followed.keys_of(one)
    assert own.startswith(followed.events_prefix(one.item))
    assert by_series.startswith(followed.events_prefix("series"))
    assert followed.keys_of(meeting("m", "x")) == (followed.own_key(meeting("m", "x")),)


def test_a_receipt_of_before_there_was_progress_is_read() -> None:
    row: dict[str, Any] = {
        "PartitionKey": "owner",
        "RowKey": "0" * 32,
        "Status": "queued",
        "Notices": "[]",
        "Asked00": b'{"item": "x"}',
    }
    assert receipts.receipt_of(row, "1") == Receipt(
        id="0" * 32, owner="owner", asked='{"item": "x"}', version="1"
    )


async def test_hostile_ids_go_to_the_service_and_back(storage: str) -> None:
    account = Account(storage)
    hostile = ("/\\#?%'\"+:~", "\x00\x01\x7f\x85", "\ud800\udc00\ud800", "é𝄞" * 500, "..", " ")
    followings = TableFollowings(account, table="hostile")
    for text in hostile:
        one = await followings.put_thread(thread(text, text, "record" + text))
        two = await followings.put_meeting(meeting(text, text, "w" + text, one.record))
        await followings.know_messages(one.mailbox, one.id, [text])
        assert await followings.thread(one.mailbox, text) == one
        assert await followings.threads_of(one.mailbox, [text]) == {text: text}
        (found,) = await followings.meetings(one.mailbox, "w" + text)
        assert bare(found) == bare(two)
        assert await followings.of_record(one.record) == [two, one]
    kept = TableSubscriptions(account, table="hostilesubscriptions")
    for text in hostile:
        begun = await kept.begin(text, "email", NOW - timedelta(days=1))
        assert await kept.of_secret(begun.secret) == begun
        assert await kept.of_secret(text) is None
    assert len(await kept.all()) == len(hostile)
    await account.aclose()


def test_making_all_of_it_loads_no_client_library() -> None:
    script = (
        "import sys\n"
        "from shared.ledger import followings, origins, receipts, subscriptions, table\n"
        "account = table.Account('UseDevelopmentStorage=true')\n"
        "followings.TableFollowings(account), origins.TableOrigins(account)\n"
        "receipts.TableReceipts(account), subscriptions.TableSubscriptions(account)\n"
        "print(*sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not [name for name in run.stdout.split() if name.split(".")[0] in ("azure", "aiohttp")]
