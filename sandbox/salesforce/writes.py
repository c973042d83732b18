"""Creating, changing and deleting records, with everything that any object must obey."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.salesforce import drafts, errors
from sandbox.salesforce.drafts import Draft
from sandbox.salesforce.ids import canonical, short
from sandbox.salesforce.rules import JUNCTIONS, RULES
from sandbox.salesforce.schema.model import Field, Object
from sandbox.salesforce.session import Session
from sandbox.salesforce.shapes import texts_in
from sandbox.salesforce.sharing import writable
from sandbox.salesforce.values import stored

_VALIDATED = frozenset(("EmailMessage", "Event", "Task"))
_STORED = frozenset((*_VALIDATED, "ContentVersion", "Contact", "Lead"))


def create(
    session: Session,
    object_: Object,
    body: Mapping[str, Any],
    *,
    data: bytes | None = None,
    allow_duplicates: bool = False,
) -> str:
    """The new record's id. Raises Refused, perhaps with half of the work done."""
    if object_.access == "read" or object_.view_of or not object_.createable:
        raise errors.read_only(f"entity type cannot be inserted: {object_.label}")
    if not session.caller.writes:
        raise errors.read_only()
    if session.org.storage_full and object_.name in _STORED:
        raise errors.storage_full()
    draft = _read(session, Draft(object_, {}, data=data), body)
    for field in object_.fields.values():
        if field.default is not None:
            draft.row.setdefault(field.name, field.default)
    if "OwnerId" in object_.fields:
        draft.row.setdefault("OwnerId", session.caller.user)
    rule = RULES.get(object_.name)
    if rule:
        rule.before(session, draft)
    _check(session, draft)
    if rule and not allow_duplicates:
        rule.duplicates(session, draft)
    draft.row["Id"] = drafts.insert(session, object_, draft.row)
    if rule:
        rule.after(session, draft)
    return str(draft.row["Id"])


def update(
    session: Session,
    object_: Object,
    id_: str,
    body: Mapping[str, Any],
    *,
    allow_duplicates: bool = False,
) -> None:
    """Raises Refused, perhaps with half of the work done."""
    if object_.access == "read" or object_.view_of:
        raise errors.read_only(f"entity type cannot be updated: {object_.label}")
    old = writable(session, object_, id_)
    draft = _read(session, Draft(object_, dict(old), old), body)
    rule = RULES.get(object_.name)
    if rule:
        rule.before(session, draft)
    _check(session, draft)
    if rule and not allow_duplicates:
        rule.duplicates(session, draft)
    drafts.replace(session, object_, draft.row)
    if rule:
        rule.after(session, draft)


def delete(session: Session, object_: Object, id_: str) -> None:
    """Raises Refused, perhaps with half of the work done."""
    if object_.access == "read" or object_.view_of:
        raise errors.read_only(f"entity type cannot be deleted: {object_.label}")
    row = writable(session, object_, id_)
    rule = RULES.get(object_.name)
    if rule:
        rule.removing(session, row)
    drafts.bin_row(session, object_.name, row)


def _read(session: Session, draft: Draft, body: Mapping[str, Any]) -> Draft:
    """The draft with the values of the body."""
    object_, creating = draft.object, draft.old is None
    junctions = JUNCTIONS.get(object_.name, {})
    given: set[str] = set()
    lists: dict[str, tuple[str, ...]] = {}
    refused: list[str] = []
    for name, value in body.items():
        if name == "attributes" or (name.lower() == "id" and not creating):
            continue
        if name in junctions:
            lists[name] = _junction(session, name, junctions[name], value)
            continue
        field = object_.by_lower.get(name.lower())
        if field is None:
            raise errors.invalid_field(f"No such column '{name}' on sobject of type {object_.name}")
        if not (field.createable if creating else field.updateable):
            refused.append(field.name)
            continue
        draft.row[field.name] = stored(session, field, value)
        given.add(field.name)
    if refused:
        raise errors.not_writable(refused)
    return replace(draft, given=frozenset(given), lists=lists)


def _junction(session: Session, name: str, targets: tuple[str, ...], value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    field = Field(name, "reference", label=name, references=targets)
    return tuple(dict.fromkeys(stored(session, field, id_) for id_ in texts_in(value, name)))


def _check(session: Session, draft: Draft) -> None:
    object_, row = draft.object, draft.row
    empty = [f.name for f in object_.fields.values() if f.required and row.get(f.name) is None]
    if empty:
        raise errors.missing(empty)
    for field in object_.fields.values():
        if field.unique and row.get(field.name) is not None and _changed(draft, field):
            _check_unique(session, object_, field, row)
    if session.org.validation_rule and object_.name in _VALIDATED and not row.get("New_Topic__c"):
        raise errors.validation("Choose a topic before you save.", "New_Topic__c")


def _changed(draft: Draft, field: Field) -> bool:
    return draft.old is None or draft.old.get(field.name) != draft.row.get(field.name)


def _check_unique(session: Session, object_: Object, field: Field, row: Mapping[str, Any]) -> None:
    """The database refuses the second value, whoever may see the first."""
    value = row[field.name]
    for other in session.rows.known(object_.name, field.name, (value,)):
        theirs = other.get(field.name)
        same = theirs == value or (
            not field.case_sensitive and theirs is not None and theirs.lower() == value.lower()
        )
        if same and not other["IsDeleted"] and other["Id"] != row.get("Id"):
            raise errors.duplicate_value(field.name, short(other["Id"]))


def id_of(object_: Object, text: str) -> str | None:
    """The canonical id, if the text is an id of that object."""
    id_ = canonical(text)
    return id_ if id_ and id_.startswith(object_.prefix) else None
