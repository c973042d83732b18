"""Which messages of a mailbox are saved because their thread is followed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from graph_notifications.work import Done
from shared.domain import Email, Participant, RecordRef, Role, Sensitivity
from shared.errors import (
    Conflict,
    Forbidden,
    ThreadlineError,
    Throttled,
    Unavailable,
    Upstream,
)
from shared.following import (
    MOST_NEWCOMERS,
    MOST_WAITING,
    THREAD_FOLLOWED,
    FollowedThread,
    thread_id,
)
from shared.policy import CategoryField, Exclusions, Policy
from tests.graph_notifications.office import Office, followed

STRANGER = "nobody@stranger.example"
DOWN = Unavailable("The CRM did not answer.")


def thread_of(office: Office, email: Email, path: str = "") -> FollowedThread:
    id_ = thread_id(email.conversation_id, email.message_id)
    found = office.followings.followed[(FollowedThread, path or office.me.oid, id_)]
    assert isinstance(found, FollowedThread)
    return found


def deal(office: Office) -> RecordRef:
    return RecordRef("opportunity", office.crm.company.opportunities[0].id)


async def test_a_reply_of_the_customer_is_saved_with_the_link_and_its_reason(
    office: Office,
) -> None:
    question = await followed(office, link=deal(office))
    answer = office.mail(office.customer, office.me.address, answers=question)
    assert await office.happens(answer) == "saved"
    record = office.record(answer)
    assert record is not None
    assert record.link is not None
    assert record.link.id == deal(office).id
    assert record.owner == office.me
    assert office.reason(answer) == "followed_thread"
    assert office.origins.kept[record.identity].actor == office.me.oid
    assert office.reason(question) is None


async def test_so_is_what_i_send_and_whatever_follows_on_that(office: Office) -> None:
    question = await followed(office)
    sent = office.mail(office.me.address, office.customer, answers=question)
    again = office.mail(office.customer, office.me.address, answers=sent)
    assert [await office.happens(sent), await office.happens(again)] == ["saved", "saved"]


async def test_a_followed_reply_costs_one_call_to_the_mailbox_and_two_to_the_crm(
    office: Office,
) -> None:
    question = await followed(office, link=deal(office))
    answer = office.mail(office.customer, office.me.address, answers=question)
    office.mailboxes.calls.clear()
    office.crm.calls.clear()
    await office.happens(answer)
    assert office.mailboxes.calls == ["fetch"]
    assert office.crm.calls == ["look_up", "save"]


async def test_other_mail_costs_one_call_to_the_mailbox(office: Office) -> None:
    await followed(office)
    other = office.mail(office.customer, office.me.address)
    office.mailboxes.calls.clear()
    office.crm.calls.clear()
    assert await office.happens(other) == "not_followed"
    assert (office.mailboxes.calls, office.crm.calls) == (["fetch"], [])


async def test_what_is_told_again_is_asked_of_the_mailbox_only(office: Office) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question)
    await office.happens(answer)
    office.crm.calls.clear()
    moved = office.deliver(replace(answer, ref=replace(answer.ref, id="moved")))
    assert [await office.happens(one) for one in (answer, moved, question)] == ["known"] * 3
    assert office.crm.calls == []
    assert len(office.crm.records) == 2


# Which message belongs to a thread


HEADERS = {
    "In-Reply-To only": {"references": (), "conversation_id": "split off"},
    "References only": {"in_reply_to": None, "conversation_id": "split off"},
    "no known id, but the conversation": {"in_reply_to": "<lost@x>", "references": ("<lost@x>",)},
    "changed subject": {"subject": "Something else entirely"},
    "no conversation": {"conversation_id": None},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_it_belongs_by_what_it_refers_to_or_its_conversation(
    office: Office, headers: dict[str, Any]
) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question, **headers)
    assert await office.happens(answer) == "saved"


async def test_a_reply_by_reference_grows_its_own_thread_not_its_conversations(
    office: Office,
) -> None:
    question = await followed(office)
    split = office.mail(
        office.customer, office.me.address, STRANGER, answers=question, conversation_id="split off"
    )
    assert await office.happens(split) == "saved"
    late = office.mail(STRANGER, office.me.address, answers=split, references=())
    assert await office.happens(late) == "saved"


async def test_the_same_subject_in_the_same_conversation_is_not_enough(office: Office) -> None:
    """Outlook groups by subject too, so that a newsletter lands in the conversation."""
    question = await followed(office)
    newsletter = office.mail(
        office.customer,
        office.me.address,
        subject=question.subject,
        conversation_id=question.conversation_id,
    )
    assert await office.happens(newsletter) == "not_followed"
    assert office.record(newsletter) is None


async def test_a_message_that_quotes_a_thousand_references_is_matched_by_the_newest(
    office: Office,
) -> None:
    question = await followed(office)
    noise = tuple(f"<{number}@noise.example>" for number in range(1000))
    late = office.mail(
        office.customer,
        office.me.address,
        in_reply_to=None,
        references=(*noise, question.message_id),
    )
    assert await office.happens(late) == "saved"
    early = office.mail(
        office.customer,
        office.me.address,
        in_reply_to=None,
        references=(question.message_id, *noise),
    )
    assert await office.happens(early) == "not_followed"


async def test_a_message_without_an_id_is_one_record_however_often_it_is_told(
    office: Office,
) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question, message_id=None)
    assert await office.happens(answer) == "saved"
    assert await office.happens(answer) == "known"
    assert len(office.crm.records) == 2


async def test_a_thread_begun_by_a_message_without_an_id_goes_on_by_its_conversation(
    office: Office,
) -> None:
    question = office.mail(office.customer, office.me.address, message_id=None)
    await office.follow(question)
    answer = office.mail(
        office.customer,
        office.me.address,
        in_reply_to="<x@y.example>",
        conversation_id=question.conversation_id,
    )
    assert await office.happens(answer) == "saved"


async def test_a_reply_that_overtook_another_takes_nothing_from_it(office: Office) -> None:
    question = await followed(office)
    first = office.mail(office.customer, office.me.address, answers=question)
    second = office.mail(office.me.address, office.customer, answers=first)
    assert [await office.happens(second), await office.happens(first)] == ["saved", "saved"]


async def test_saving_a_newer_message_by_hand_takes_nothing_from_one_on_its_way(
    office: Office,
) -> None:
    question = await followed(office)
    waiting = office.mail(office.customer, office.me.address, answers=question)
    newer = office.mail(office.customer, office.me.address, answers=waiting)
    thread = thread_of(office, question)
    await office.follow(newer)
    assert thread_of(office, question).id == thread.id
    assert await office.happens(waiting) == "saved"


# Who takes part


async def test_a_forward_to_a_stranger_is_none_of_the_threads(office: Office) -> None:
    question = await followed(office)
    forward = office.mail(office.me.address, STRANGER, answers=question)
    assert await office.happens(forward) == "stranger"
    assert office.record(forward) is None
    assert office.reason(forward) is None


async def test_neither_is_a_strangers_answer_to_it(office: Office) -> None:
    question = await followed(office)
    answer = office.mail(STRANGER, office.me.address, answers=question)
    assert await office.happens(answer) == "stranger"


async def test_where_nobody_took_part_before_the_crm_is_not_asked(office: Office) -> None:
    question = await followed(office)
    office.crm.calls.clear()
    spam = office.mail(STRANGER, "list@stranger.example", answers=question)
    assert await office.happens(spam) == "stranger"
    assert office.crm.calls == []


async def test_another_person_from_outside_comes_in_by_somebody_who_took_part(
    office: Office,
) -> None:
    question = await followed(office)
    joined = office.mail(office.customer, office.me.address, STRANGER, answers=question)
    alone = office.mail(STRANGER, office.me.address, answers=joined)
    assert [await office.happens(joined), await office.happens(alone)] == ["saved", "saved"]


async def test_who_came_in_later_makes_no_side_thread_of_before_the_threads(
    office: Office,
) -> None:
    """However late it is looked at."""
    question = await followed(office)
    forward = office.mail(office.me.address, STRANGER, answers=question)
    office.arrive(forward, minutes=1)
    joined = office.mail(office.customer, office.me.address, STRANGER, answers=question)
    office.arrive(joined, minutes=2)
    assert await office.happens(forward) == "stranger"
    assert await office.happens(joined) == "saved"
    assert await office.happens(forward) == "stranger"
    assert office.record(forward) is None


async def test_a_newcomers_answer_that_was_looked_at_too_early_is_looked_at_again(
    office: Office,
) -> None:
    question = await followed(office)
    joined = office.mail(office.customer, office.me.address, STRANGER, answers=question)
    office.arrive(joined, minutes=1)
    alone = office.mail(STRANGER, office.me.address, answers=joined)
    office.arrive(alone, minutes=2)
    assert await office.happens(alone) == "stranger"
    assert await office.happens(joined) == "saved"
    assert office.record(alone) is not None
    assert thread_of(office, question).waiting == ()


async def test_so_it_is_where_that_worker_was_killed_or_a_person_saved_it(office: Office) -> None:
    question = await followed(office)
    joined = office.mail(office.customer, office.me.address, STRANGER, answers=question)
    alone = office.mail(STRANGER, office.me.address, answers=joined)
    assert await office.happens(alone) == "stranger"
    await office.follow(joined)
    for _ in range(24):
        office.now += timedelta(hours=1)
        await office.look_after()
    assert office.record(alone) is not None


async def test_somebody_who_comes_in_at_the_same_moment_is_heeded(office: Office) -> None:
    question = await followed(office)
    joined = office.mail(office.customer, office.me.address, STRANGER, answers=question)
    alone = office.mail(STRANGER, office.me.address, answers=joined)
    put = office.followings.put_thread

    async def joined_first(thread: FollowedThread) -> FollowedThread:
        office.followings.put_thread = put  # type: ignore[method-assign]
        await office.work(office.told(joined))
        return await put(thread)

    office.followings.put_thread = joined_first  # type: ignore[method-assign]
    assert await office.happens(alone) == "saved"


async def test_what_waits_is_bounded_and_so_are_newcomers(office: Office) -> None:
    question = await followed(office)
    for number in range(MOST_WAITING + 5):
        spam = office.mail(f"{number}@spam.example", office.me.address, answers=question)
        assert await office.happens(spam) == "stranger"
    crowd = [f"{number}@crowd.example" for number in range(MOST_NEWCOMERS + 50)]
    await office.happens(office.mail(office.customer, *crowd, answers=question))
    thread = thread_of(office, question)
    assert len(thread.waiting) == MOST_WAITING
    assert spam.ref.id in thread.waiting
    assert len(thread.newcomers) == MOST_NEWCOMERS


async def test_somebody_in_blind_copy_took_part(office: Office) -> None:
    question = office.mail(office.customer, office.me.address)
    question = office.deliver(
        replace(
            question, participants=(*question.participants, Participant(STRANGER, "", Role.BCC))
        )
    )
    await office.follow(question)
    answer = office.mail(STRANGER, office.me.address, answers=question)
    assert await office.happens(answer) == "saved"


async def test_a_mail_that_i_got_as_a_blind_copy_is_saved(office: Office) -> None:
    question = await followed(office)
    copied = office.mail(office.customer, STRANGER, answers=question)
    assert await office.happens(copied) == "saved"


async def test_an_internal_side_thread_is_not_saved(office: Office) -> None:
    """Neither where a colleague without a licence, whom the CRM doesn't know, takes part."""
    question = await followed(office)
    for other in (office.colleague, office.cast.unlicensed):
        aside = office.mail(office.me.address, other.address, answers=question)
        assert await office.happens(aside) == "internal_only"
    back = office.mail(office.cast.unlicensed.address, office.me.address, answers=question)
    assert await office.happens(back) == "internal_only"
    assert len(office.crm.records) == 1


async def test_a_colleague_at_another_domain_of_the_company_is_internal(office: Office) -> None:
    first = office.crm.company.employees[-1]
    moved = replace(first, address="liam@contoso-pl.example")
    employees = (*office.crm.company.employees[:-1], moved)
    office.crm.company = replace(office.crm.company, employees=employees)
    question = await followed(office)
    aside = office.mail(
        office.me.address, moved.address, "temp@contoso-pl.example", answers=question
    )
    assert await office.happens(aside) == "internal_only"


async def test_in_a_shared_mailbox_its_own_domain_is_internal(office: Office) -> None:
    shared = "team@subsidiary.example"
    question = office.mail(office.customer, shared, mailbox=shared)
    await office.follow(question, path=shared)
    aside = office.mail(shared, "x@subsidiary.example", answers=question, mailbox=shared)
    assert await office.happens(aside, shared) == "internal_only"
    answer = office.mail(office.customer, shared, answers=question, mailbox=shared)
    assert await office.happens(answer, shared) == "saved"
    assert office.origins.kept[f"email:{answer.message_id}"].mailbox == shared


# What stops it


async def test_a_stopped_thread_stays_stopped_by_whatever_it_is_reached(office: Office) -> None:
    question = await followed(office)
    await office.followings.put_thread(replace(thread_of(office, question), stopped=True))
    for headers in HEADERS.values():
        answer = office.mail(office.customer, office.me.address, answers=question, **headers)
        assert await office.happens(answer) == "stopped"
    assert len(office.crm.records) == 1


async def test_a_thread_that_is_stopped_while_a_reply_is_saved_is_not_begun_again(
    office: Office,
) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, STRANGER, answers=question)
    put = office.followings.put_thread

    async def stopped_first(thread: FollowedThread) -> FollowedThread:
        office.followings.put_thread = put  # type: ignore[method-assign]
        await put(replace(thread_of(office, question), stopped=True))
        return await put(thread)

    office.followings.put_thread = stopped_first  # type: ignore[method-assign]
    assert await office.happens(answer) == "saved"
    assert thread_of(office, question).stopped


@pytest.mark.parametrize("label", [Sensitivity.PRIVATE, Sensitivity.CONFIDENTIAL])
async def test_what_is_labelled_private_or_confidential_is_left_to_a_person(
    office: Office, label: Sensitivity
) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question, sensitivity=label)
    assert await office.happens(answer) == "label"
    assert office.record(answer) is None


async def test_what_the_admin_excludes_or_switched_off_is_not_saved(office: Office) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question)
    domain = office.customer.partition("@")[2]
    office.policy = Policy(exclusions=Exclusions(domains=(domain,)))
    assert await office.happens(answer) == "excluded"
    office.policy = Policy(save_emails=False)
    assert await office.happens(answer) == "off"
    office.policy = Policy()
    assert await office.happens(answer) == "saved"


async def test_a_draft_is_saved_once_it_is_sent(office: Office) -> None:
    question = await followed(office)
    draft = office.mail(
        office.me.address, office.customer, answers=question, is_draft=True, sent_at=None
    )
    assert await office.happens(draft) == "draft"
    sent = office.deliver(replace(draft, is_draft=False, sent_at=office.now))
    assert await office.happens(sent) == "saved"


async def test_after_half_a_year_of_silence_it_is_over(office: Office) -> None:
    question = await followed(office)
    office.now += THREAD_FOLLOWED - timedelta(days=1)
    answer = office.mail(office.customer, office.me.address, answers=question)
    assert await office.happens(answer) == "saved"
    office.now += timedelta(days=2)
    later = office.mail(office.customer, office.me.address, answers=answer)
    assert await office.happens(later) == "saved"
    office.now += THREAD_FOLLOWED + timedelta(days=1)
    too_late = office.mail(office.customer, office.me.address, answers=later)
    assert await office.happens(too_late) == "not_followed"


async def test_a_message_that_is_gone_is_no_fault(office: Office) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question)
    office.mailboxes.remove(office.me.address, answer.ref.id)
    assert await office.happens(answer) == "gone"


# More than one mailbox


async def test_the_same_mail_in_two_followed_mailboxes_is_one_record(office: Office) -> None:
    question = office.mail(office.customer, office.me.address, office.colleague.address)
    office.deliver(question, office.colleague.address)
    await office.follow(question)
    await office.follow(question, who=office.colleague.oid)
    answer = office.mail(
        office.customer, office.me.address, office.colleague.address, answers=question
    )
    office.deliver(answer, office.colleague.address)
    outcomes = [
        await office.happens(answer),
        await office.happens(answer, office.colleague.oid),
        await office.happens(answer, office.colleague.oid),
    ]
    assert outcomes == ["saved", "known", "known"]
    assert len(office.crm.records) == 2
    assert office.origins.kept[f"email:{answer.message_id}"].actor == office.me.oid


async def test_what_a_person_saved_first_has_no_other_reason(office: Office) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question)
    office.deliver(answer, office.colleague.address)
    await office.follow(answer, who=office.colleague.oid)
    assert await office.happens(answer) == "known"
    assert office.reason(answer) is None


# When something fails


@pytest.mark.parametrize(
    "error", [DOWN, Throttled("wait", retry_after=9), Upstream("?"), Conflict("now")]
)
@pytest.mark.parametrize("method", ["look_up", "save"])
async def test_what_may_pass_is_tried_again(
    office: Office, method: str, error: ThreadlineError
) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question)
    office.crm.failures[method] = error
    with pytest.raises(type(error)):
        await office.happens(answer)
    assert await office.happens(answer) == "saved"
    assert office.reason(answer) == "followed_thread"


@pytest.mark.parametrize("method", ["threads_of", "thread", "know_messages", "put_thread", "draft"])
async def test_a_store_that_fails_at_any_call_loses_nothing(office: Office, method: str) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, STRANGER, answers=question)
    office.followings.failures[method] = DOWN
    with pytest.raises(Unavailable):
        await office.happens(answer)
    assert await office.happens(answer) in ("saved", "known")
    assert office.reason(answer) == "followed_thread"
    assert len(office.crm.records) == 2
    alone = office.mail(office.customer, office.me.address, answers=answer, references=())
    assert await office.happens(alone) == "saved"


async def test_who_came_in_by_it_is_known_though_the_worker_died_in_between(office: Office) -> None:
    question = await followed(office)
    joined = office.mail(office.customer, office.me.address, STRANGER, answers=question)
    alone = office.mail(STRANGER, office.me.address, answers=joined)
    office.followings.failures["put_thread"] = DOWN  # as if it died before that
    with pytest.raises(Unavailable):
        await office.happens(joined)
    assert await office.happens(joined) == "known"
    assert await office.happens(alone) == "saved"


async def test_a_worker_that_dies_after_the_record_is_made_leaves_no_auto_save_without_reason(
    office: Office,
) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question)
    office.crm.breaks_after = 3
    with pytest.raises(Unavailable):
        await office.happens(answer)
    office.crm.breaks_after = None
    assert office.record(answer) is not None
    assert office.reason(answer) == "followed_thread"
    assert await office.happens(answer) == "known"


async def test_a_mailbox_that_may_not_be_read_now_is_tried_again(office: Office) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question)
    office.mailboxes.failure = Forbidden("no")
    with pytest.raises(Forbidden):
        await office.happens(answer)


async def test_where_the_record_to_connect_with_is_gone_the_reply_is_saved_without(
    office: Office,
) -> None:
    question = await followed(office, link=deal(office))
    rest = office.crm.company.opportunities[1:]
    office.crm.company = replace(office.crm.company, opportunities=rest)
    answer = office.mail(office.customer, office.me.address, answers=question)
    assert await office.happens(answer) == "saved_without_choices"
    record = office.record(answer)
    assert record is not None
    assert record.link is None
    assert record.complete


async def test_so_it_is_where_the_admin_took_the_field_away(office: Office) -> None:
    field = CategoryField(name="new_topic", type="text")
    office.crm.categories = {"email": (field,)}
    office.policy = Policy(email_categories=(field,))
    question = await followed(office, categories={"new_topic": "pumps"})
    first = office.mail(office.customer, office.me.address, answers=question)
    assert await office.happens(first) == "saved"
    record = office.record(first)
    assert record is not None
    assert record.categories == {"new_topic": "pumps"}
    office.crm.categories = {}
    second = office.mail(office.customer, office.me.address, answers=question)
    assert await office.happens(second) == "saved_without_choices"


async def test_what_is_refused_for_good_ends_and_the_admin_is_told(office: Office) -> None:
    question = await followed(office)
    answer = office.mail(office.customer, office.me.address, answers=question)
    refusing = replace(office.me, crm_write=False)
    employees = tuple(refusing if one == office.me else one for one in office.crm.company.employees)
    office.crm.company = replace(office.crm.company, employees=employees)
    done = await office.work(office.told(answer))
    assert done == Done("refused", alarm="change_refused", code="forbidden")
