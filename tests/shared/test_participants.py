"""Who of an item's people is from outside."""

from dataclasses import replace

from shared.domain import Participant, RecordRef, Role
from shared.participants import outsiders
from tests.contract import items

USER = RecordRef("user", "1")


def external(*addresses: str, users: tuple[str, ...] = (), own: tuple[str, ...] = ()) -> set[str]:
    people = tuple(Participant(address, "", Role.TO) for address in addresses)
    item = replace(items.email(), participants=people)
    return set(outsiders(item, dict.fromkeys(users, (USER,)), own))


def test_users_and_their_companys_people_are_inside() -> None:
    assert external(
        "anna@contoso.example",
        "unlicensed@contoso.example",
        "x@customer.example",
        users=("anna@contoso.example",),
    ) == {"x@customer.example"}


def test_a_user_at_a_mail_provider_makes_nobody_else_there_an_insider() -> None:
    assert external("me@gmail.com", "customer@gmail.com", users=("me@gmail.com",)) == {
        "customer@gmail.com"
    }


def test_the_mailbox_itself_is_inside_wherever_it_lies() -> None:
    assert external("sales@gmail.com", "x@gmail.com", own=("sales@gmail.com",)) == {"x@gmail.com"}
    assert external("a@contoso.example", own=("sales@contoso.example",)) == set()
