"""The admin's policy, applied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Body, Email, ItemRef, Participant, RecordRef, Role
from shared.errors import InvalidRequest
from shared.policy import CategoryField, Exclusions, Policy, RecordType
from shared.rules import check_categories, check_exclusions, one_link

POLICY = Policy(
    record_types=(RecordType(type="opportunity"), RecordType(type="new_project")),
    email_categories=(
        CategoryField(name="new_topic", type="choice", required=True),
        CategoryField(name="new_note", type="text", required=True),
        CategoryField(name="new_count", type="integer"),
        CategoryField(name="new_hot", type="boolean"),
        CategoryField(name="new_owner", type="lookup", lookup_type="user"),
    ),
)
WHOLE = {"new_topic": 1, "new_note": "x"}


def email(*addresses: str) -> Email:
    return Email(
        ref=ItemRef("email", "me", "a"),
        message_id="<a@b>",
        conversation_id=None,
        subject="",
        body=Body("", html=False),
        participants=tuple(Participant(address, "", Role.TO) for address in addresses),
        sent_at=None,
        received_at=None,
        is_draft=False,
    )


def fields_refused(values: dict[str, object], *, whole: bool = True) -> set[str]:
    try:
        check_categories("email", values, POLICY, whole=whole)  # type: ignore[arg-type]
    except InvalidRequest as refused:
        assert refused.code == "invalid"
        return {error.field for error in refused.errors}
    return set()


def test_one_link_of_a_type_the_admin_added_is_taken() -> None:
    link = RecordRef("new_project", "1")
    assert one_link([link], POLICY) == link
    assert one_link([], POLICY) is None


@pytest.mark.parametrize(
    ("links", "code"),
    [
        ([RecordRef("opportunity", "1"), RecordRef("opportunity", "2")], "too_many_links"),
        ([RecordRef("account", "1")], "type_not_connectable"),
        ([RecordRef("Opportunity", "1")], "type_not_connectable"),
    ],
)
def test_other_links_are_refused(links: list[RecordRef], code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        one_link(links, POLICY)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        (WHOLE, set()),
        ({}, {"categories.new_topic", "categories.new_note"}),
        (WHOLE | {"new_note": " \n"}, {"categories.new_note"}),
        (WHOLE | {"new_topic": None}, {"categories.new_topic"}),
        (WHOLE | {"new_topic": "Prices"}, set()),
        (WHOLE | {"new_topic": 1.5}, {"categories.new_topic"}),
        (WHOLE | {"new_topic": True}, {"categories.new_topic"}),
        (WHOLE | {"new_count": False}, {"categories.new_count"}),
        (WHOLE | {"new_hot": 1}, {"categories.new_hot"}),
        (WHOLE | {"new_owner": 5}, {"categories.new_owner"}),
        (WHOLE | {"new_owner": None, "new_count": 0, "new_hot": False}, set()),
        (WHOLE | {"statecode": 1}, {"categories.statecode"}),
    ],
)
def test_categories_of_a_save(values: dict[str, object], refused: set[str]) -> None:
    assert fields_refused(values) == refused


def test_an_edit_may_leave_required_fields_out_but_not_empty_them() -> None:
    assert fields_refused({}, whole=False) == set()
    assert fields_refused({"new_note": ""}, whole=False) == {"categories.new_note"}


def test_categories_of_an_email_are_not_those_of_a_meeting() -> None:
    with pytest.raises(InvalidRequest):
        check_categories("meeting", {"new_topic": 1}, POLICY, whole=False)


@pytest.mark.parametrize(
    "address",
    [
        "ann@secret.example",
        " Ann@SECRET.Example ",
        "ann@mail.deep.secret.example",
        "ann@secret.example.",
        "boss@Elsewhere.example",
        "a@müller.example",
        "a@xn--mller-kva.example",
    ],
)
def test_items_with_someone_excluded_are_refused(address: str) -> None:
    exclusions = Exclusions(
        domains=("Secret.example", "@müller.example"), addresses=("BOSS@elsewhere.example",)
    )
    with pytest.raises(InvalidRequest) as refused:
        check_exclusions(email("else@where.example", address), exclusions)
    assert refused.value.code == "excluded"
    assert "@" not in refused.value.detail


@pytest.mark.parametrize(
    "address", ["ann@notsecret.example", "ann@example", "secret.example@x.example", "", "secret"]
)
def test_others_are_not(address: str) -> None:
    check_exclusions(email(address), Exclusions(domains=("secret.example",)))


@given(st.lists(st.text()), st.lists(st.text()), st.text())
def test_no_address_and_no_exclusion_breaks_the_check(
    addresses: list[str], domains: list[str], address: str
) -> None:
    exclusions = Exclusions.model_construct(domains=tuple(domains), addresses=(address,))
    try:
        check_exclusions(email(*addresses), exclusions)
    except InvalidRequest as refused:
        assert refused.code == "excluded"
