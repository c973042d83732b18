"""How a saved record is changed."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.crm.dataverse import editing
from shared.crm.dataverse.editing import Contact
from shared.crm.dataverse.parties import Party
from shared.crm.dataverse.replies import Record
from shared.crm.dataverse.tables import APPOINTMENT, EMAIL, STANDARD, State
from shared.domain import Activity, Person, RecordRef, address_key
from shared.errors import Conflict, InvalidRequest
from tests.contract import items

ANNA = Contact("1", ("anna@x.example", "anna2@x.example"))
BEN = Contact("2", ("ben@x.example",))
CONTACTS = st.sampled_from([ANNA, BEN, Contact("3", ()), Contact("4", ("anna@x.example",))])
PARTIES = st.builds(
    Party,
    st.sampled_from([1, 2, 3, 13]),
    st.sampled_from(["anna@x.example", "ANNA2@x.example", "ben@x.example", "c@x.example"]),
) | st.builds(
    Party,
    st.sampled_from([1, 2, 3, 13]),
    st.sampled_from(["anna@x.example", "ben@x.example", "d@x.example"]),
    st.sampled_from(["contact", "lead", "systemuser"]),
    st.sampled_from(["1", "2", "3", "9"]),
)


def record(state: State, *parties: Party, link: RecordRef | None = None) -> Record:
    activity = Activity(
        kind="email",
        id="id",
        crm="dataverse",
        url="",
        subject="",
        saved_by=Person("", ""),
        saved_at=items.SENT,
        links=(link,) if link else (),
    )
    return Record(activity, state, 'W/"1"', parties, whole=True)


@given(st.lists(PARTIES, max_size=8), st.lists(CONTACTS, max_size=3, unique=True))
def test_exactly_the_wanted_contacts_take_part_afterwards(
    present: list[Party], wanted: list[Contact]
) -> None:
    after = editing.rewritten(present, wanted, EMAIL)
    assert {p.id for p in after if p.logical == "contact"} == {c.id for c in wanted}
    # Nobody else is lost: who is no contact stays, and a contact that goes leaves its address.
    others = [p for p in present if p.logical not in (None, "contact")]
    assert all(other in after for other in others)
    stayed = {(p.mask, address_key(p.address)) for p in present if p.mask != 13}
    assert stayed <= {(p.mask, address_key(p.address)) for p in after}
    assert editing.rewritten(after, wanted, EMAIL) == after


def test_a_contact_takes_the_place_of_its_address() -> None:
    present = [Party(2, "Anna2@x.example"), Party(3, "other@x.example")]
    assert editing.rewritten(present, [ANNA], EMAIL) == (
        Party(2, "Anna2@x.example", "contact", "1"),
        Party(3, "other@x.example"),
    )


def test_a_contact_who_took_no_part_is_related() -> None:
    assert editing.rewritten([], [BEN], EMAIL) == (Party(13, "ben@x.example", "contact", "2"),)


def test_nobody_is_invited_to_a_meeting() -> None:
    present = [Party(5, "anna@x.example")]
    assert editing.rewritten(present, [ANNA], APPOINTMENT)[0].id == "1"
    with pytest.raises(InvalidRequest):
        editing.rewritten(present, [ANNA, BEN], APPOINTMENT)


@given(st.sampled_from([State(0, 1), State(1, 2), State(1, 3), State(1, 4), State(2, 5)]))
def test_a_changed_email_ends_in_the_state_it_had(state: State) -> None:
    change = editing.changeset(record(state), EMAIL, {"new_topic": 1}, None, STANDARD)
    assert change is not None
    first, *rest = change.writes
    assert first.if_match == 'W/"1"'
    assert all(write.if_match == "*" for write in rest if write.method == "PATCH")
    states = [w.body for w in change.writes if w.body and "statecode" in w.body]
    assert states[-1] == {"statecode": state.code, "statuscode": state.status}
    assert states[0]["statecode"] == 0


@pytest.mark.parametrize("state", [State(1, 6), State(1, 7)])
def test_an_email_on_its_way_out_is_left_alone(state: State) -> None:
    with pytest.raises(Conflict):
        editing.changeset(record(state), EMAIL, {"new_topic": 1}, None, STANDARD)


def test_a_scheduled_meeting_is_changed_as_it_is() -> None:
    change = editing.changeset(record(State(3, 5)), APPOINTMENT, {"new_topic": 1}, None, STANDARD)
    assert change is not None
    assert [w.body for w in change.writes] == [{"statecode": 3, "statuscode": 5}, {"new_topic": 1}]


def test_where_nothing_changes_nothing_is_written() -> None:
    party = Party(2, "a@x.example")
    assert editing.changeset(record(State(1, 4), party), EMAIL, {}, [party], STANDARD) is None
    assert editing.changeset(record(State(1, 6)), EMAIL, {}, None, STANDARD) is None


@given(st.lists(PARTIES, max_size=5), st.lists(PARTIES, max_size=5))
def test_parties_are_replaced_as_a_whole(before: list[Party], after: list[Party]) -> None:
    assume(set(before) != set(after))
    change = editing.changeset(record(State(1, 4), *before), EMAIL, {}, after, STANDARD)
    assert change is not None
    (put,) = (w for w in change.writes if w.method == "PUT")
    assert put.path == "emails(id)/email_activity_parties"
    assert put.body is not None
    assert len(put.body["value"]) == len(after)


def test_links() -> None:
    account, case = RecordRef("account", "1"), RecordRef("case", "2")
    target = (STANDARD["incident"], "2")
    key = "regardingobjectid_incident_email@odata.bind"
    closed = State(1, 4)
    assert editing.link_columns(record(closed), target, EMAIL) == {key: "/incidents(2)"}
    assert editing.link_columns(record(closed, link=account), target, EMAIL) == {
        key: "/incidents(2)"
    }
    assert editing.link_columns(record(closed, link=case), target, EMAIL) == {}
    assert editing.link_columns(record(closed, link=case), None, EMAIL) == {key: None}
    assert editing.link_columns(record(closed), None, EMAIL) == {}
