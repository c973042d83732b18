"""What holds whatever the CRM answers."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain import RecordRef
from shared.suggestions import Candidates, Filed, Record
from suggest_links.logic import MOST
from tests.suggest_links.ranking_world import (
    ALPINE,
    HOLDING,
    MARTA,
    NOW,
    OTTO,
    SELLER,
    mail,
    suggest,
)

WORDS = st.lists(
    st.sampled_from(
        ["pump", "lift", "Schnee", "tax", "降雪", "ポンプ", "čerpadlo", "CAS-01877", "the"]
    ),
    max_size=6,
).map(" ".join)


@st.composite
def records(draw: st.DrawFn) -> tuple[Record, ...]:
    count = draw(st.integers(0, 8))
    return tuple(
        Record(
            ref=RecordRef(draw(st.sampled_from(["opportunity", "case"])), f"r{i}", draw(WORDS)),
            description=draw(WORDS),
            number=draw(st.sampled_from(["", "CAS-01877", "CAS-2"])),
            account_id=draw(st.sampled_from([None, "alpine", "holding", "unknown"])),
            contact_id=draw(st.sampled_from([None, "marta", "otto"])),
            owner_id=draw(st.sampled_from([None, "sam"])),
            open=draw(st.booleans()),
            modified_at=draw(st.one_of(st.none(), st.just(NOW), st.just(NOW + timedelta(days=9)))),
        )
        for i in range(count)
    )


@st.composite
def candidates(draw: st.DrawFn) -> Candidates:
    found = draw(records())
    filed = tuple(
        Filed(
            record.ref,
            NOW - timedelta(days=draw(st.integers(0, 9))),
            draw(st.booleans()),
            MARTA.addresses,
        )
        for record in found
        if draw(st.booleans())
    )
    return Candidates(
        users=(SELLER,),
        contacts=draw(st.sampled_from([(), (MARTA,), (MARTA, OTTO)])),
        accounts=(replace(ALPINE, parent_id="holding"), HOLDING),
        records=found,
        filed=filed,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(candidates(), WORDS, WORDS)
def test_scores_are_chances(known: Candidates, subject: str, body: str) -> None:
    found = suggest(mail(subject, body), known)
    scores = [one.score for one in found]
    assert all(0 <= score <= 1 for score in scores)
    assert sum(scores) <= 1 + 1e-9
    assert scores == sorted(scores, reverse=True)
    assert len(found) <= MOST
    assert len({(one.record.type, one.record.id) for one in found}) == len(found)


@settings(max_examples=60, deadline=None)
@given(candidates(), WORDS, st.randoms(use_true_random=False))
def test_the_order_of_the_answer_makes_no_difference(known: Candidates, body: str, random) -> None:  # type: ignore[no-untyped-def]
    def mixed(values):  # type: ignore[no-untyped-def]
        return tuple(random.sample(values, len(values)))

    other = Candidates(
        users=mixed(known.users),
        contacts=mixed(known.contacts),
        accounts=mixed(known.accounts),
        records=mixed(known.records),
        filed=mixed(known.filed),
    )
    before, after = suggest(mail("pump", body), known), suggest(mail("pump", body), other)
    assert [one.record for one in before] == [one.record for one in after]
    for one, same in zip(before, after, strict=True):
        assert abs(one.score - same.score) < 1e-9
        assert one.reasons == same.reasons


@settings(max_examples=60, deadline=None)
@given(candidates(), WORDS)
def test_a_saved_message_of_the_conversation_never_lowers_its_record(
    known: Candidates, body: str
) -> None:
    item = mail("pump", body)
    quiet = replace(known, filed=())
    for record in known.records:
        told = replace(quiet, filed=(Filed(record.ref, NOW, True),))
        assert _score(suggest(item, told), record) >= _score(suggest(item, quiet), record)


def test_very_many_records_are_ranked_by_what_they_say() -> None:
    crowd = [
        Record(RecordRef("case", f"c{i}", f"Matter {i}"), account_id="alpine", modified_at=NOW)
        for i in range(500)
    ]
    wanted = Record(
        RecordRef("case", "wanted", "Snow cannon pumps"),
        account_id="alpine",
        modified_at=NOW - timedelta(days=80),
    )
    known = Candidates(contacts=(MARTA,), accounts=(ALPINE,), records=(*crowd, wanted))
    assert suggest(mail("Pumps of the snow cannon"), known)[0].record.id == "wanted"


def _score(found, record: Record) -> float:  # type: ignore[no-untyped-def]
    return next((one.score for one in found if one.record == record.ref), 0.0)
