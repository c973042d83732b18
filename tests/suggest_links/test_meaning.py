"""What a model may change in a ranking, and what it may not."""

from dataclasses import replace
from itertools import pairwise
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Email, RecordRef
from shared.errors import ThreadlineError, Throttled, Unavailable, Upstream
from shared.suggestions import Candidates, Filed, Reason, Suggestion
from suggest_links.clues import find_clues
from suggest_links.logic import rank
from suggest_links.meaning import (
    LARGEST_SHIFT,
    POOL,
    Weighed,
    by_meaning,
    cosine,
    reweighed,
)
from suggest_links.reading import read
from tests.fakes.embeddings import FakeEmbeddings
from tests.suggest_links.ranking_world import BILL, LIFT, NOW, OURS, SNOW, codes, deal, known, mail

GERMAN = mail("Pumpen", "Wann kommt die Lieferung der Pumpen für den Schnee?")


def plainly(item: Email, candidates: Candidates) -> tuple[Suggestion, ...]:
    reading = read(item)
    return rank(item, reading, find_clues(item, reading, OURS), candidates, NOW, most=POOL)


async def weigh(
    item: Email, candidates: Candidates, model: FakeEmbeddings | None, patience: float = 60
) -> Weighed:
    ranked = plainly(item, candidates)
    return await by_meaning(ranked, read(item), candidates, model, patience=patience)


def ids(ranked: tuple[Suggestion, ...]) -> list[str]:
    return [one.record.id for one in ranked]


async def test_another_language_finds_what_its_words_do_not() -> None:
    tickets = known(BILL, LIFT, SNOW)
    plain = [one for one in plainly(GERMAN, tickets) if one.record.type != "account"]
    assert plain[0].record.id != "snow"
    found = await weigh(GERMAN, tickets, FakeEmbeddings())
    records = [one for one in found.ranked if one.record.type != "account"]
    assert records[0].record.id == "snow"
    assert "similar_meaning" in codes(found.ranked, "snow")
    assert "similar_meaning" not in codes(found.ranked, "lift")
    assert found.outcome == "used"


async def test_the_others_and_the_sum_of_the_records_stay_as_they_were() -> None:
    tickets = known(BILL, LIFT, SNOW, deal("old", "Snow pumps", open=False))
    before = plainly(GERMAN, tickets)
    after = (await weigh(GERMAN, tickets, FakeEmbeddings())).ranked
    assert set(ids(after)) == set(ids(before))
    fixed = {"alpine", "old"}
    assert {one for one in before if one.record.id in fixed} == {
        one for one in after if one.record.id in fixed
    }
    assert any(one.record.id in fixed for one in before)
    assert sum(one.score for one in after) == pytest.approx(sum(one.score for one in before))
    assert [one.score for one in after] == sorted((one.score for one in after), reverse=True)


async def test_the_model_gets_the_message_first_and_nobody_s_address() -> None:
    model = FakeEmbeddings()
    body = (
        "Pumpen\n\nOn Monday, Sam Seller <sam@fabrikam.example> wrote:\n> the secret of last year"
    )
    await weigh(mail("AW: Lieferung", body), known(BILL, LIFT, SNOW), model)
    ((message, *records),) = model.asked
    assert message == "Lieferung\nPumpen"
    assert sorted(records) == sorted(
        f"{one.ref.name}\n{one.description}" for one in (BILL, LIFT, SNOW)
    )


async def test_texts_are_bounded() -> None:
    model = FakeEmbeddings()
    crowd = [deal(f"d{n}", f"Deal {n}", description="x" * 9_000) for n in range(24)]
    await weigh(mail("Pumpen", "Schnee " * 9_000), known(*crowd), model)
    (texts,) = model.asked
    assert len(texts) <= 1 + POOL
    assert max(map(len, texts)) <= 3_000
    assert max(map(len, texts[1:])) < 400


ASKED_FOR_NOTHING = {
    "off": None,
    "one record": known(LIFT),
    "a known conversation": known(
        LIFT, SNOW, filed=[Filed(LIFT.ref, NOW, True, ("marta@alpine.example",))]
    ),
    "nobody known": Candidates(),
}


@pytest.mark.parametrize("why", ASKED_FOR_NOTHING)
async def test_nothing_is_sent_without_need(why: str) -> None:
    candidates = ASKED_FOR_NOTHING[why]
    model = FakeEmbeddings()
    if candidates is None:
        found = await weigh(GERMAN, known(LIFT, SNOW), None)
        assert found.outcome == "off"
    else:
        found = await weigh(GERMAN, candidates, model)
        assert found.outcome == "not_needed"
        assert found.ranked == plainly(GERMAN, candidates)
    assert model.asked == []


async def test_a_quoted_number_and_an_empty_message_need_no_model() -> None:
    model = FakeEmbeddings()
    for item in (mail("CAS-01877: Pumpen", "Schnee"), mail("", "")):
        found = await weigh(item, known(BILL, LIFT, SNOW), model)
        assert found.outcome == "not_needed"
    assert model.asked == []


FAILURES: dict[str, ThreadlineError] = {
    "unavailable": Unavailable("x"),
    "throttled": Throttled("x", retry_after=9.0),
    "upstream": Upstream("x"),
}


@pytest.mark.parametrize("code", FAILURES)
async def test_a_failure_leaves_the_ranking_as_it_is_and_is_told(code: str) -> None:
    tickets = known(BILL, LIFT, SNOW)
    found = await weigh(GERMAN, tickets, FakeEmbeddings(FAILURES[code]))
    assert found == Weighed(plainly(GERMAN, tickets), code)


async def test_a_model_that_does_not_answer_in_time_is_left_alone() -> None:
    tickets, model = known(BILL, LIFT, SNOW), FakeEmbeddings(hangs=True)
    found = await weigh(GERMAN, tickets, model, patience=0.01)
    assert found == Weighed(plainly(GERMAN, tickets), "late")
    assert model.given_up == 1


def pool(*scores: float) -> list[Suggestion]:
    return [
        Suggestion(RecordRef("case", str(n), ""), score, (Reason("recent", ""),))
        for n, score in enumerate(scores)
    ]


@given(st.lists(st.tuples(st.floats(0.001, 1.0), st.floats(-1.0, 1.0)), min_size=2, max_size=POOL))
def test_every_shift_is_bounded_and_follows_the_likeness(rows: list[tuple[float, float]]) -> None:
    whole = sum(score for score, _ in rows)
    before = pool(*(score / whole for score, _ in rows))
    cosines = [likeness for _, likeness in rows]
    after = reweighed(before, cosines)
    assert sum(one.score for one in after) == pytest.approx(1.0)
    assert all(0.0 <= one.score <= 1.0 + 1e-9 for one in after)
    gains = [log(new.score / old.score) for new, old in zip(after, before, strict=True)]
    assert max(gains) - min(gains) <= 2 * LARGEST_SHIFT + 1e-9
    by_likeness = [gain for _, gain in sorted(zip(cosines, gains, strict=True))]
    assert all(b >= a - 1e-9 for a, b in pairwise(by_likeness))


def test_differences_that_are_noise_change_little() -> None:
    first, second = reweighed(pool(0.5, 0.5), [0.801, 0.799])
    assert first.score / second.score < exp(0.05)
    assert first.reasons == pool(0.5)[0].reasons


def test_where_all_are_as_like_nothing_changes() -> None:
    assert reweighed(pool(0.4, 0.3), [0.3, 0.3]) == pool(0.4, 0.3)


def test_a_vector_without_direction_is_like_nothing() -> None:
    assert cosine([0.0, 0.0], [1.0, 0.0]) == 0.0
    assert cosine([2.0, 0.0], [9.0, 0.0]) == pytest.approx(1.0)
    assert cosine([1.0, 0.0], [0.0, 3.0]) == 0.0


async def test_what_a_model_prefers_never_passes_a_sure_one() -> None:
    ranked = (*pool(0.95), replace(pool(0.03)[0], record=SNOW.ref))
    model = FakeEmbeddings()
    found = await by_meaning(ranked, read(GERMAN), known(SNOW), model)
    assert found == Weighed(ranked, "not_needed")
