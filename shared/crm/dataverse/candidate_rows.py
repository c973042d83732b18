"""What Dataverse answered about the clues of an item, in our words. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from shared.crm.dataverse.queries import PARTY_COLUMNS
from shared.crm.dataverse.replies import LOGICAL, SHOWN, moment, reference, url
from shared.crm.dataverse.tables import OPEN, STANDARD, neutral_name
from shared.domain import RecordRef, address_key
from shared.domains import is_at, website_host
from shared.suggestions import Account, Clues, Contact, Filed, Record, User

Row = Mapping[str, Any]

_REGARDING: Final = "_regardingobjectid_value"
_PARTIES: Final = ("email", "appointment", "activitypointer")


def user(row: Row, logical: str, root: str) -> User:
    return User(reference(row, STANDARD[logical], root), _addresses(row, logical))


def contacts(rows: Iterable[Row], root: str) -> tuple[Contact, ...]:
    found = {
        row["contactid"]: Contact(
            ref=reference(row, STANDARD["contact"], root, email=_first_address(row, "contact")),
            addresses=_addresses(row, "contact"),
            account_id=_lookup(row, "parentcustomerid", "account"),
        )
        for row in rows
    }
    return tuple(found.values())


def accounts(
    contact_rows: Iterable[Row], rows: Iterable[Row], clues: Clues, root: str
) -> tuple[Account, ...]:
    """Those of the contacts, those that the clues really point at, and the parents of both."""
    found: dict[str, Account] = {}
    employers = (row.get("parentcustomerid_account") for row in contact_rows)
    pointed_at = (row for row in rows if is_meant(_account(row, root), clues))
    for row in (*filter(None, employers), *pointed_at):
        for one in (row, row.get("parentaccountid")):
            if one:
                account = _account(one, root)
                found.setdefault(account.ref.id, account)
    return tuple(found.values())


def records(rows: Iterable[Row], logical: str, root: str) -> Iterator[Record]:
    """Opportunities, cases or leads."""
    for row in rows:
        yield _lead(row, root) if logical == "lead" else _deal(row, logical, root)


def filed(conversation: Iterable[Row], others: Iterable[Row], root: str) -> tuple[Filed, ...]:
    """Each activity once, the conversation's first."""
    found: dict[str, Filed] = {}
    for same, rows in ((True, conversation), (False, others)):
        for row in rows:
            found.setdefault(row["activityid"], _filed(row, root, same))
    return tuple(found.values())


def hosts(row: Row) -> tuple[str, ...]:
    """The hosts of an account's website and addresses."""
    found = [website_host(row.get("websiteurl") or "")]
    found += [address.rpartition("@")[2] for address in _addresses(row, "account")]
    return tuple(dict.fromkeys(host for host in found if "." in host))


def is_meant(account: Account, clues: Clues) -> bool:
    """Whether the clues point at it; `contains` and `endswith` find others too."""
    return bool(set(account.addresses) & set(clues.outsiders)) or any(
        is_at(host, domain) for host in account.domains for domain in clues.domains
    )


def _account(row: Row, root: str) -> Account:
    return Account(
        ref=reference(row, STANDARD["account"], root, email=_first_address(row, "account")),
        domains=hosts(row),
        parent_id=row.get("_parentaccountid_value"),
        addresses=_addresses(row, "account"),
    )


def _deal(row: Row, logical: str, root: str) -> Record:
    contact = "parentcontactid" if logical == "opportunity" else "primarycontactid"
    return Record(
        ref=reference(row, STANDARD[logical], root),
        description=row.get("description") or "",
        number=row.get("ticketnumber") or "",
        account_id=row.get("_parentaccountid_value") or _lookup(row, "customerid", "account"),
        contact_id=row.get(f"_{contact}_value") or _lookup(row, "customerid", "contact"),
        owner_id=row.get("_ownerid_value"),
        open=row.get("statecode") == OPEN,
        modified_at=_time(row, "modifiedon"),
    )


def _lead(row: Row, root: str) -> Record:
    id_ = row["leadid"]
    name = row.get("subject") or row.get("fullname") or ""
    return Record(
        ref=RecordRef("lead", id_, name, url(root, "lead", id_), _first_address(row, "lead")),
        description=row.get("description") or "",
        owner_id=row.get("_ownerid_value"),
        open=row.get("statecode") == OPEN,
        modified_at=_time(row, "modifiedon"),
        addresses=_addresses(row, "lead"),
        person=row.get("fullname") or "",
        company=row.get("companyname") or "",
    )


def _filed(row: Row, root: str, same_conversation: bool) -> Filed:
    logical, id_ = row[f"{_REGARDING}{LOGICAL}"], row[_REGARDING]
    name = row.get(f"{_REGARDING}{SHOWN}") or ""
    parties: Sequence[Row] = next(
        (row[f"{one}_activity_parties"] for one in _PARTIES if f"{one}_activity_parties" in row), ()
    )
    addresses = (address_key(party.get("addressused") or "") for party in parties)
    return Filed(
        record=RecordRef(neutral_name(logical), id_, name, url(root, logical, id_)),
        at=moment(row.get("sortdate") or row["createdon"]),
        same_conversation=same_conversation,
        addresses=tuple(dict.fromkeys(filter(None, addresses))),
    )


def _lookup(row: Row, column: str, logical: str) -> str | None:
    """The id in a lookup that may point at several tables, if it points at this one."""
    if row.get(f"_{column}_value{LOGICAL}") != logical:
        return None
    id_: str | None = row.get(f"_{column}_value")
    return id_


def _addresses(row: Row, logical: str) -> tuple[str, ...]:
    written = (row.get(column) for column in PARTY_COLUMNS[logical])
    return tuple(dict.fromkeys(address_key(one) for one in written if one))


def _first_address(row: Row, logical: str) -> str:
    return next((row[column] for column in PARTY_COLUMNS[logical] if row.get(column)), "")


def _time(row: Row, column: str) -> datetime | None:
    return moment(row[column]) if row.get(column) else None
