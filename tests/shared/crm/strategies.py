"""Items of every shape, with text as hostile as JSON lets it be."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from shared.domain import Body, Email, ItemRef, Meeting, Participant, Role

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=40)
ADDRESSES = st.one_of(
    st.sampled_from(["a@x.example", "A@X.example", " b@x.example ", "o'brien@y.example", ""]),
    ANY_TEXT,
)
_START = datetime(1980, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(min_value=0, max_value=4_000_000_000).map(
    lambda seconds: _START + timedelta(seconds=seconds)
)


def _participants(*roles: Role) -> st.SearchStrategy[tuple[Participant, ...]]:
    one = st.builds(Participant, ADDRESSES, ANY_TEXT, st.sampled_from(roles))
    return st.lists(one, max_size=8).map(tuple)


BODIES = st.builds(Body, ANY_TEXT, st.booleans())
EMAILS = st.builds(
    Email,
    ref=st.just(ItemRef("email", "me", "id")),
    message_id=st.none() | ANY_TEXT.map(lambda text: f"<{text}>"),
    conversation_id=st.none(),
    subject=ANY_TEXT | ANY_TEXT.map(lambda text: text * 50),
    body=BODIES,
    participants=_participants(Role.SENDER, Role.TO, Role.CC, Role.BCC),
    sent_at=st.none() | MOMENTS,
    received_at=st.none() | MOMENTS,
    is_draft=st.just(False),
)
MEETINGS = st.builds(
    Meeting,
    ref=st.just(ItemRef("meeting", "me", "id")),
    uid=ANY_TEXT,
    ical_uid=ANY_TEXT,
    subject=ANY_TEXT,
    body=BODIES,
    participants=_participants(Role.ORGANIZER, Role.REQUIRED, Role.OPTIONAL, Role.RESOURCE),
    start=MOMENTS,
    end=MOMENTS,
    location=ANY_TEXT,
    all_day=st.booleans(),
    cancelled=st.booleans(),
    occurrence=st.none() | MOMENTS,
)
ITEMS = EMAILS | MEETINGS
