"""Whose mailbox is asked for, and who may open it."""

from dataclasses import dataclass

from sandbox.company import Employee
from sandbox.graph.errors import access_denied, bad_request, unknown_user
from sandbox.world import Principal, World


class UnknownMailbox(KeyError):
    """Nobody at the sample company has this mailbox."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    address: str
    name: str
    oid: str


def mailboxes(world: World) -> list[Mailbox]:
    people = [Mailbox(e.address, e.name, e.oid) for e in world.company.employees]
    shared = [Mailbox(q.address, q.name, q.id) for q in world.company.queues]
    return people + shared


def find_mailbox(world: World, user: str) -> Mailbox | None:
    """By address or object id, in any letter case."""
    wanted = user.strip().casefold()
    for mailbox in mailboxes(world):
        if wanted in (mailbox.address.casefold(), mailbox.oid.casefold()):
            return mailbox
    return None


def mailbox_of(world: World, address: str) -> Mailbox:
    """Raises UnknownMailbox."""
    mailbox = find_mailbox(world, address)
    if mailbox is None:
        raise UnknownMailbox(address)
    return mailbox


def opened_mailbox(world: World, who: Principal, user: str | None, permission: str) -> Mailbox:
    """The mailbox of a call to `/me` (`user` None) or `/users/{user}`.

    `permission` is such as `Mail.Read`; `Mail.ReadWrite` includes it. Another person's mailbox
    takes the permission's `.Shared` form and a delegation. Raises GraphError.
    """
    if user is None and who.app_only:
        raise bad_request("/me request is only valid with delegated authentication flow.")
    mailbox = find_mailbox(world, who.oid if user is None else user)
    if mailbox is None:
        raise unknown_user(user or who.oid)
    held = who.roles if who.app_only else who.scopes
    if who.app_only or mailbox.oid == who.oid:
        allowed = _includes(held, permission, "")
    else:
        allowed = _includes(held, permission, ".Shared") and _is_delegate(world, who, mailbox)
    if not allowed:
        raise access_denied()
    return mailbox


def _includes(held: frozenset[str], permission: str, suffix: str) -> bool:
    stronger = permission.replace(".Read", ".ReadWrite") if permission.endswith(".Read") else None
    return permission + suffix in held or (stronger is not None and stronger + suffix in held)


def _is_delegate(world: World, who: Principal, mailbox: Mailbox) -> bool:
    person: Employee | None = next((e for e in world.company.employees if e.oid == who.oid), None)
    opened = {address.casefold() for address in person.delegates} if person else set()
    return mailbox.address.casefold() in opened
