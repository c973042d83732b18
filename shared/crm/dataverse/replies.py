"""Dataverse's words to ours: what its answers say. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from shared.crm.dataverse import keys
from shared.crm.dataverse.parties import Party
from shared.crm.dataverse.queries import PARTY_COLUMNS, column
from shared.crm.dataverse.tables import (
    DERIVED_MASKS,
    OPEN,
    STANDARD,
    ActivityTable,
    State,
    Table,
    neutral_name,
)
from shared.domain import (
    Activity,
    CategoryValue,
    Item,
    Limits,
    Meeting,
    Person,
    RecordRef,
    SavedFile,
    address_key,
)
from shared.participants import strangers
from shared.policy import CategoryField

NAME: Final = "dataverse"

LOGICAL: Final = "@Microsoft.Dynamics.CRM.lookuplogicalname"
SHOWN: Final = "@OData.Community.Display.V1.FormattedValue"
_DETACH: Final = "DistinctPhysicalAndLogicalDeletesForExchangeSync"


@dataclass(frozen=True, slots=True)
class Record:
    """An activity record as read, with what a change of it needs.

    `whole` is False while a save of ours was interrupted before its last step. `row` is all that
    was read of it.
    """

    activity: Activity
    state: State
    etag: str
    parties: tuple[Party, ...]
    whole: bool
    row: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Organization:
    """`spares_calendars`: deleting a synchronised appointment here leaves the meeting in Exchange
    alone (Microsoft Learn "An appointment is canceled or deleted unexpectedly")."""

    limits: Limits
    spares_calendars: bool


def url(root: str, logical: str, id_: str) -> str:
    """Where people open the record (Microsoft Learn "Open apps, forms, views with a URL")."""
    return f"{root}/main.aspx?pagetype=entityrecord&etn={logical}&id={id_}"


def record(
    row: Mapping[str, Any], table: ActivityTable, root: str, categories: Sequence[CategoryField]
) -> Record:
    """From a row that `queries.activity` or `queries.copies` asked for."""
    id_ = str(row["activityid"])
    parties = _parties(row.get(table.parties) or ())
    saved_by = _maker(row)
    state = State(int(row["statecode"]), int(row["statuscode"]))
    activity = Activity(
        kind=table.kind,
        id=id_,
        crm=NAME,
        url=url(root, table.logical, id_),
        subject=row.get("subject") or "",
        saved_by=saved_by,
        saved_at=moment(row["createdon"]),
        links=_links(row, root),
        contacts=_contacts(row.get(table.parties) or (), root),
        unmatched=_unmatched(parties, saved_by),
        categories={
            one.name: value for one in categories if (value := _category(row, one)) is not None
        },
        files=_files(row.get(table.attachments) or ()),
    )
    whole = state.code != OPEN or not keys.is_ours(id_)
    return Record(activity, state, str(row.get("@odata.etag", "*")), parties, whole, row)


def is_copy(row: Mapping[str, Any], item: Item) -> bool:
    """Whether a row found by the item's id is about this very item.

    An e-mail's id says so. The occurrences of a series share their uid, so a row that was found by
    it must also start when this occurrence does, or did originally.
    """
    if not isinstance(item, Meeting) or item.occurrence is None:
        return True
    if row.get("globalobjectid") == item.ical_uid != item.uid:
        return True
    return moment(row["scheduledstart"]) in (item.start, item.occurrence)


def party_matches(
    rows: Mapping[str, Iterable[Mapping[str, Any]]], asked: Iterable[str], root: str
) -> dict[str, tuple[RecordRef, ...]]:
    """Records by the `address_key` that they carry, best first: by table in the order of
    `PARTY_COLUMNS`, then the oldest. `rows` holds the found ones by table."""
    wanted = set(asked)
    found: dict[str, list[RecordRef]] = {}
    for logical, columns in PARTY_COLUMNS.items():
        table = STANDARD[logical]
        for row in sorted(rows.get(logical, ()), key=lambda r: _age(r, table)):
            addresses = {address_key(row[name]): row[name] for name in columns if row.get(name)}
            for key in addresses.keys() & wanted:
                ref = reference(row, table, root, email=addresses[key])
                found.setdefault(key, []).append(ref)
    return {address: tuple(refs) for address, refs in found.items()}


def _age(row: Mapping[str, Any], table: Table) -> tuple[str, str]:
    return str(row.get("createdon") or ""), str(row[table.id_column])


def reference(
    row: Mapping[str, Any], table: Table, root: str, *, id_: str = "", email: str = ""
) -> RecordRef:
    id_ = id_ or str(row[table.id_column])
    return RecordRef(
        type=neutral_name(table.logical),
        id=id_,
        name=row.get(table.name_column) or "",
        url=url(root, table.logical, id_),
        email=email,
    )


def contact_addresses(row: Mapping[str, Any]) -> tuple[str, ...]:
    """A contact's addresses, the first one first."""
    return tuple(row[name] for name in PARTY_COLUMNS["contact"] if row.get(name))


def organization(row: Mapping[str, Any]) -> Organization:
    """Attachment limits count the base64 text, so three quarters of them are left for content
    (powerapps-docs attachment-annotation-files.md)."""
    encoded = int(row.get("maxuploadfilesize") or 0)
    blocked = str(row.get("blockedattachments") or "")
    extensions = (part.strip().lstrip(".").casefold() for part in blocked.split(";"))
    return Organization(
        Limits(encoded // 4 * 3, frozenset(filter(None, extensions))),
        _setting(row.get("orgdborgsettings"), _DETACH) == "true",
    )


def _setting(document: Any, name: str) -> str:
    """One value of the organisation's XML settings; empty where it is not set."""
    if not isinstance(document, str) or name not in document:
        return ""
    from xml.etree import ElementTree as ET  # few organisations set it, and it takes its time

    try:
        # The organisation's own document, which only its administrators can write.
        root = ET.fromstring(document)  # noqa: S314
    except ET.ParseError:
        return ""
    return (root.findtext(name) or "").strip().casefold()


def table(logical: str, row: Mapping[str, Any]) -> Table:
    """From an EntityDefinition."""
    return Table(
        logical,
        str(row["EntitySetName"]),
        str(row["PrimaryIdAttribute"]),
        str(row.get("PrimaryNameAttribute") or ""),
        bool(row.get("HasActivities")),
    )


def _maker(row: Mapping[str, Any]) -> Person:
    user = row.get("createdby") or {}
    return Person(user.get("fullname") or "", user.get("internalemailaddress") or "")


def _links(row: Mapping[str, Any], root: str) -> tuple[RecordRef, ...]:
    id_ = row.get("_regardingobjectid_value")
    if not id_:
        return ()
    logical = row[f"_regardingobjectid_value{LOGICAL}"]
    name = row.get(f"_regardingobjectid_value{SHOWN}") or ""
    return (RecordRef(neutral_name(logical), id_, name, url(root, logical, id_)),)


def _parties(rows: Iterable[Mapping[str, Any]]) -> tuple[Party, ...]:
    found = (
        Party(
            int(row["participationtypemask"]),
            row.get("addressused") or "",
            row.get(f"_partyid_value{LOGICAL}"),
            row.get("_partyid_value"),
        )
        for row in rows
    )
    return tuple(sorted((p for p in found if p.mask not in DERIVED_MASKS), key=_party_order))


def _party_order(party: Party) -> tuple[int, str, str]:
    return party.mask, address_key(party.address), party.id or ""


def _contacts(rows: Iterable[Mapping[str, Any]], root: str) -> tuple[RecordRef, ...]:
    found = {
        row["_partyid_value"]: RecordRef(
            "contact",
            row["_partyid_value"],
            row.get(f"_partyid_value{SHOWN}") or "",
            url(root, "contact", row["_partyid_value"]),
            row.get("addressused") or "",
        )
        for row in rows
        if row.get(f"_partyid_value{LOGICAL}") == "contact"
        and row["participationtypemask"] not in DERIVED_MASKS
    }
    return tuple(sorted(found.values(), key=lambda ref: (ref.name.casefold(), ref.id)))


def _unmatched(parties: Sequence[Party], saved_by: Person) -> tuple[str, ...]:
    """The addresses that the CRM doesn't know and that aren't a colleague's: the users and queues
    who take part, and whoever saved it, tell what the company's own domains are."""
    own = [p.address for p in parties if p.logical in ("systemuser", "queue")]
    return strangers((p.address for p in parties if p.id is None), (saved_by.email, *own))


def _category(row: Mapping[str, Any], field: CategoryField) -> CategoryValue:
    value = row.get(column(field))
    return value if isinstance(value, str | int | bool) else None


def _files(rows: Iterable[Mapping[str, Any]]) -> tuple[SavedFile, ...]:
    found = (
        SavedFile(
            row["activitymimeattachmentid"],
            row.get("filename") or "",
            int(row.get("filesize") or 0),
        )
        for row in rows
    )
    return tuple(sorted(found, key=lambda file: (file.name.casefold(), file.id)))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
