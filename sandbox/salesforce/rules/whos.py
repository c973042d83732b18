"""The people of an event or task, kept as relations. Salesforce Help, "Shared Activities"."""

from typing import Any

from sandbox.salesforce import drafts, errors
from sandbox.salesforce.drafts import Draft
from sandbox.salesforce.rules.files import unlink_all
from sandbox.salesforce.session import Session
from sandbox.store import Row

MAX_CONTACTS = 50


def choose(draft: Draft, list_name: str) -> None:
    """Settles the primary person: the one named, else the first of the list. Up to 50 contacts or
    one lead, and no related record beside a lead."""
    people = draft.lists.get(list_name)
    if people is not None:
        leads = [id_ for id_ in people if id_.startswith("00Q")]
        if len(people) > MAX_CONTACTS or (leads and len(people) > 1):
            raise errors.integrity(
                f"An activity can relate to up to {MAX_CONTACTS} contacts or to one lead.",
                list_name,
            )
        if draft.row.get("WhoId") not in people or "WhoId" not in draft.given:
            named = draft.row.get("WhoId") if "WhoId" in draft.given else None
            draft.row["WhoId"] = named or (people[0] if people else None)
    who, what = draft.row.get("WhoId"), draft.row.get("WhatId")
    if who and what and who.startswith("00Q"):
        raise errors.integrity("Related To must be blank if Name is a lead.", "WhatId")


def derive_account(session: Session, row: dict[str, Any]) -> None:
    """Object Reference, Task.AccountId."""
    row["AccountId"] = _account(session, row.get("WhatId")) or _account(session, row.get("WhoId"))


def _account(session: Session, id_: str | None) -> str | None:
    object_ = session.schema.of_id(id_) if id_ else None
    if object_ is None or id_ is None:
        return None
    if object_.name == "Account":
        return id_
    row = session.rows.get(object_.name, id_)
    return None if row is None else row.get("AccountId") or row.get("Account__c")


def relate(session: Session, draft: Draft, list_name: str, relation: str) -> None:
    """Brings the relation records in line with who and what the activity is about."""
    key = f"{draft.object.name}Id"
    row = draft.row
    current = session.rows.pointing(relation, key, row["Id"])
    wanted = _wanted(draft, list_name, [r["RelationId"] for r in current if _is_who(r)])
    for old in current:
        if old["RelationId"] not in wanted and (_is_who(old) or old.get("IsWhat")):
            drafts.bin_row(session, relation, old)
    kept = {old["RelationId"]: old for old in current}
    for id_ in wanted:
        facts = {"IsWhat": id_ == row.get("WhatId")}
        if relation == "EventRelation":
            facts["IsParent"] = True
        if id_ in kept:
            drafts.touch(session, relation, kept[id_]["Id"], **facts)
        else:
            values = {key: row["Id"], "RelationId": id_, "AccountId": _account(session, id_)}
            drafts.insert(session, session.schema.objects[relation], {**values, **facts})


def _wanted(draft: Draft, list_name: str, present: list[str]) -> dict[str, None]:
    """The people and the record that the activity shall relate to."""
    row = draft.row
    if list_name in draft.lists:
        people = list(draft.lists[list_name])
    elif draft.old is not None and "WhoId" in draft.given:
        people = [id_ for id_ in present if id_ != draft.old.get("WhoId")] if row["WhoId"] else []
    else:
        people = present
    return dict.fromkeys(id_ for id_ in (row.get("WhoId"), *people, row.get("WhatId")) if id_)


def _is_who(relation: Row) -> bool:
    return not relation.get("IsWhat") and relation.get("IsParent", True)


def drop(session: Session, activity: Row, relation: str, key: str) -> None:
    """What goes with a deleted activity."""
    for row in session.rows.pointing(relation, key, activity["Id"]):
        drafts.bin_row(session, relation, row)
    unlink_all(session, activity["Id"])
