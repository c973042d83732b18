"""A meeting in two followed calendars, and one that is over."""

from dataclasses import replace
from datetime import timedelta

from shared.domain import Meeting
from tests.fakes.crm_activities import Appointment
from tests.graph_notifications.office import Office


def appointment(office: Office, meeting: Meeting) -> Appointment:
    record = office.record(meeting)
    assert record is not None
    assert record.appointment is not None
    return record.appointment


async def invited(office: Office) -> tuple[Meeting, Meeting]:
    """Mine and my colleague's copy, both followed."""
    mine = office.meet(office.customer, office.colleague.address)
    theirs = replace(mine, is_organizer=False)
    office.deliver(theirs, office.colleague.address)
    await office.follow(mine)
    await office.follow(theirs, who=office.colleague.oid)
    return mine, theirs


def moved(office: Office, meeting: Meeting) -> Meeting:
    later = timedelta(hours=3)
    there: Meeting = office.deliver(
        replace(meeting, start=meeting.start + later, end=meeting.end + later)
    )
    return there


async def test_an_attendees_copy_does_not_undo_what_the_organizer_did(office: Office) -> None:
    mine, theirs = await invited(office)
    there = moved(office, mine)
    assert await office.happens(there) == "refreshed"
    office.deliver(replace(theirs, subject="My own notes"), office.colleague.address)
    assert await office.happens(theirs, office.colleague.oid) == "left_to_organizer"
    assert appointment(office, mine).start == there.start
    record = office.record(mine)
    assert record is not None
    assert record.subject == mine.subject


async def test_where_the_organizer_is_not_followed_it_counts(office: Office) -> None:
    mine = office.meet(office.customer, office.colleague.address)
    theirs = replace(mine, is_organizer=False)
    office.deliver(theirs, office.colleague.address)
    await office.follow(theirs, who=office.colleague.oid)
    office.deliver(replace(theirs, subject="Later"), office.colleague.address)
    assert await office.happens(theirs, office.colleague.oid) == "refreshed"


async def test_its_cancellation_is_heeded_in_whichever_calendar_it_is_told_first(
    office: Office,
) -> None:
    mine, theirs = await invited(office)
    office.deliver(replace(mine, cancelled=True))
    office.deliver(replace(theirs, cancelled=True), office.colleague.address)
    assert await office.happens(theirs, office.colleague.oid) == "left_to_organizer"
    assert appointment(office, mine).cancelled


async def test_who_is_invited_no_more_does_not_cancel_it_for_the_others(office: Office) -> None:
    """Outlook tells whoever was taken off the list that the meeting is cancelled."""
    mine, theirs = await invited(office)
    office.deliver(replace(theirs, cancelled=True), office.colleague.address)
    assert await office.happens(theirs, office.colleague.oid) == "left_to_organizer"
    assert not appointment(office, mine).cancelled


async def test_where_the_organizer_is_not_followed_a_copys_cancellation_counts(
    office: Office,
) -> None:
    mine = office.meet(office.customer, office.colleague.address)
    theirs = replace(mine, is_organizer=False)
    office.deliver(theirs, office.colleague.address)
    await office.follow(theirs, who=office.colleague.oid)
    office.deliver(replace(theirs, cancelled=True), office.colleague.address)
    assert await office.happens(theirs, office.colleague.oid) == "cancelled"
    assert appointment(office, mine).cancelled


async def test_what_is_removed_after_it_took_place_was_not_cancelled(office: Office) -> None:
    meeting = office.meet(office.customer)
    await office.follow(meeting)
    office.now = meeting.end + timedelta(days=1)
    office.mailboxes.remove(office.me.address, meeting.ref.id)
    assert await office.happens(meeting) == "gone"
    assert not appointment(office, meeting).cancelled
