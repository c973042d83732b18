"""Salesforce's words to ours: what its answers say. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from shared.crm.salesforce import keys, moments, notes, people
from shared.crm.salesforce.knowledge import Fields, Shape
from shared.crm.salesforce.objects import (
    DRAFT,
    EMAIL_MESSAGE,
    ITEM_ID,
    KEY,
    LINK,
    SAVED_AT,
    ActivityObject,
    neutral_name,
    object_of,
)
from shared.crm.salesforce.people import Party
from shared.crm.salesforce.queries import PARTIES
from shared.domain import (
    Activity,
    CategoryValue,
    Item,
    Meeting,
    Person,
    RecordRef,
    SavedFile,
    address_key,
)
from shared.participants import strangers
from shared.policy import CategoryField

NAME: Final = "salesforce"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """An activity record as read, with what a change of it needs.

    `whole` is False while a save of ours was interrupted before its last step; `key` is ours, empty
    on another tool's record. `parties` are those of an e-mail; `whos` the people of an event or
    task, by id with their addresses, and `description` is its text. `digests` tell which of our
    files are stored. `row` is all that was read of it.
    """

    activity: Activity
    object: ActivityObject
    key: str
    whole: bool
    parties: tuple[Party, ...]
    whos: Mapping[str, str]
    description: str
    digests: frozenset[str]
    row: Row = field(default_factory=dict, compare=False, repr=False)


def url(root: str, object_: str, id_: str) -> str:
    """Where people open the record (Salesforce Help, "Lightning Experience URL formats")."""
    return f"{root}/lightning/r/{object_}/{id_}/view"


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a row needs to know: the organisation, the configured fields, the queues."""

    root: str
    categories: Sequence[CategoryField]
    queues: Sequence[RecordRef] = ()


def record(row: Row, object_: ActivityObject, reading: Reading) -> Record:
    """From a row that a query of `queries` asked for."""
    id_ = str(row["Id"])
    relations = _children(row, object_.people)
    saved_by, saved_at = _maker(row)
    is_message = object_ is EMAIL_MESSAGE
    parties = people.read(row, relations) if is_message else ()
    description = str(row.get("Description") or "")
    activity = Activity(
        kind=object_.kind,
        id=id_,
        crm=NAME,
        url=url(reading.root, object_.name, id_),
        subject=row.get("Subject") or "",
        saved_by=saved_by,
        saved_at=moments.read(saved_at),
        links=_links(row, object_, relations, reading.root),
        contacts=_contacts(row, relations, reading.root),
        unmatched=(
            _unmatched(parties, saved_by, reading.queues)
            if is_message
            else strangers(notes.others_of(description), (saved_by.email,))
        ),
        categories={
            one.name: value
            for one in reading.categories
            if (value := _category(row, one)) is not None
        },
        files=_files(_children(row, "ContentDocumentLinks")),
    )
    key = str(row.get(KEY) or "")
    closed = row.get("Status") != DRAFT if is_message else bool(row.get(ITEM_ID)) or not key
    return Record(
        activity=activity,
        object=object_,
        key=key,
        whole=closed or (is_message and not key and KEY in row),
        parties=parties,
        whos={} if is_message else _whos(row, relations),
        description=description,
        digests=frozenset(_digests(_children(row, "ContentDocumentLinks"))),
        row=row,
    )


def is_of(row: Row, item: Item, object_: ActivityObject) -> bool:
    """Whether a row found by an item's ids is about this very item.

    SOQL compares text in whatever case. The occurrences of a series share their uid, so a row found
    by it must also start when this occurrence does, or did originally.
    """
    if row.get(KEY) == keys.activity_key(item):
        return True
    if object_ is EMAIL_MESSAGE:
        return row.get("MessageIdentifier") == keys.message_id(item)
    if ITEM_ID not in row:
        return notes.item_of(str(row.get("Description") or "")) == keys.activity_key(item)
    found, ids = row.get(ITEM_ID), keys.item_ids(item)
    if found not in ids:
        return False
    if not isinstance(item, Meeting) or item.occurrence is None:
        return True
    if found == ids[0] and item.ical_uid != item.uid:
        return True
    starts = (moments.times(item)[0], item.start, item.occurrence)
    return moments.read(str(row["StartDateTime"])) in starts


def party_matches(
    rows: Mapping[str, Iterable[Row]],
    fields: Mapping[str, Sequence[str]],
    queues: Iterable[RecordRef],
    asked: Iterable[str],
    root: str,
) -> dict[str, tuple[RecordRef, ...]]:
    """Records by the `address_key` that they carry, best first: users, queues, then the others in
    the order of `PARTIES`, and the oldest of each. `rows` holds the found ones by object."""
    wanted = set(asked)
    found: dict[str, list[RecordRef]] = {}
    for object_ in PARTIES:
        for row in sorted(rows.get(object_, ()), key=lambda r: (r["CreatedDate"], r["Id"])):
            named = {address_key(row[name]): row[name] for name in fields[object_] if row.get(name)}
            for key in named.keys() & wanted:
                ref = reference(row, object_, root, email=named[key])
                found.setdefault(key, []).append(ref)
        if object_ == "User":
            for queue in queues:
                if address_key(queue.email) in wanted:
                    found.setdefault(address_key(queue.email), []).append(queue)
    return {address: tuple(refs) for address, refs in found.items()}


def queues(rows: Iterable[Row], root: str) -> tuple[RecordRef, ...]:
    return tuple(reference(row, "Group", root, email=row["Email"]) for row in rows)


def reference(row: Row, object_: str, root: str, email: str = "") -> RecordRef:
    name = str(row.get("Name") or row.get("CaseNumber") or "")
    id_ = str(row["Id"])
    return RecordRef(neutral_name(object_), id_, name, url(root, object_, id_), email)


def shape(describes: Mapping[str, Row]) -> Shape:
    """From the describes of `knowledge.READERS`, without those that were refused."""
    return Shape({name: _fields(row) for name, row in describes.items()})


def _fields(row: Row) -> Fields:
    fields: Sequence[Row] = row.get("fields") or ()
    addresses = (f["name"] for f in fields if f["type"] == "email" and f.get("filterable", True))
    return Fields(
        names=frozenset(f["name"] for f in fields),
        createable=frozenset(f["name"] for f in fields if f.get("createable")),
        addresses=tuple(addresses),
        targets={f["name"]: frozenset(f.get("referenceTo") or ()) for f in fields},
        lists=frozenset(
            name
            for child in row.get("childRelationships") or ()
            for name in child.get("junctionIdListNames") or ()
        ),
    )


def _children(row: Row, name: str) -> Sequence[Row]:
    found = row.get(name)
    rows = found.get("records") if isinstance(found, dict) else None
    return rows if isinstance(rows, list) else ()


def _maker(row: Row) -> tuple[Person, str]:
    """Who saved it first, and when: an edit that had to replace the record wrote it down."""
    user = row.get("Threadline_Saved_By__r") or row.get("CreatedBy") or {}
    person = Person(user.get("Name") or "", user.get("Email") or "")
    return person, str(row.get(SAVED_AT) or row["CreatedDate"])


def _links(
    row: Row, object_: ActivityObject, relations: Sequence[Row], root: str
) -> tuple[RecordRef, ...]:
    person = row.get(LINK)
    if person:
        related = (r.get("Relation") or {} for r in relations if r.get("RelationId") == person)
        name = next(related, None) or (row.get("Who") if row.get("WhoId") == person else None) or {}
        return (_ref(object_of(person), person, name, root),)
    id_ = row.get(object_.what)
    if not id_:
        return ()
    record_ = row.get(object_.what_relationship) or {}
    return (_ref(record_.get("Type") or object_of(id_), id_, record_, root),)


def _ref(object_: str, id_: str, row: Row, root: str, email: str = "") -> RecordRef:
    return RecordRef(
        neutral_name(object_), id_, row.get("Name") or "", url(root, object_, id_), email
    )


def _whos(row: Row, relations: Sequence[Row]) -> dict[str, str]:
    """The primary one first."""
    people_ = [(row.get("WhoId"), row.get("Who"))]
    people_ += [(r.get("RelationId"), r.get("Relation")) for r in relations]
    found: dict[str, str] = {}
    for id_, person in people_:
        if id_:
            found.setdefault(id_, (person or {}).get("Email") or "")
    return found


def _contacts(row: Row, relations: Sequence[Row], root: str) -> tuple[RecordRef, ...]:
    found: dict[str, RecordRef] = {}
    for relation in relations:
        id_ = relation.get("RelationId") or ""
        # An e-mail is related to a person that it is linked to, though that one takes no part.
        linked_only = relation.get("RelationType") == people.OTHER and id_ == row.get(LINK)
        if object_of(id_) == "Contact" and not linked_only:
            person = relation.get("Relation") or {}
            email = relation.get("RelationAddress") or person.get("Email") or ""
            found.setdefault(id_, _ref("Contact", id_, person, root, email))
    who = row.get("WhoId") or ""
    if object_of(who) == "Contact":
        person = row.get("Who") or {}
        found.setdefault(who, _ref("Contact", who, person, root, person.get("Email") or ""))
    return tuple(sorted(found.values(), key=lambda ref: (ref.name.casefold(), ref.id)))


def _unmatched(
    parties: Sequence[Party], saved_by: Person, all_queues: Sequence[RecordRef]
) -> tuple[str, ...]:
    """The addresses that the CRM doesn't know and that aren't a colleague's."""
    queue_keys = {address_key(queue.email) for queue in all_queues}
    own = [saved_by.email, *(p.address for p in parties if p.object == "User")]
    own += [p.address for p in parties if address_key(p.address) in queue_keys]
    unknown = (p.address for p in parties if not p.id and not p.known)
    return strangers(unknown, own)


def _category(row: Row, field: CategoryField) -> CategoryValue:
    value = row.get(field.name)
    if field.type == "integer" and isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)  # numbers come as 45.0
    return value if isinstance(value, str | int | bool) else None


def _files(links: Iterable[Row]) -> tuple[SavedFile, ...]:
    found = (
        SavedFile(
            link["ContentDocumentId"],
            _file_name(link.get("ContentDocument") or {}),
            int((link.get("ContentDocument") or {}).get("ContentSize") or 0),
        )
        for link in links
    )
    return tuple(sorted(found, key=lambda file: (file.name.casefold(), file.id)))


def _file_name(document: Row) -> str:
    path = _path(document)
    if path:
        return path.replace("\\", "/").rpartition("/")[2]
    title, extension = document.get("Title") or "", document.get("FileExtension") or ""
    return f"{title}.{extension}" if extension else title


def _digests(links: Iterable[Row]) -> Iterable[str]:
    for link in links:
        folder, slash, _ = _path(link.get("ContentDocument") or {}).rpartition("/")
        if slash:
            yield folder


def _path(document: Row) -> str:
    version = document.get("LatestPublishedVersion") or {}
    return str(version.get("PathOnClient") or "")
