"""What the organisation's objects and fields are called, and what they take.

REST API Developer Guide, "sObject Describe". Labels come in the language of the user who asks, who
chooses it in Salesforce; the API has no way to ask for another. What a user may not see is not
described. A describe lists everything, some 200 KiB, of which what was asked for is kept.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from shared.crm.salesforce import composite
from shared.crm.salesforce.composite import Reply
from shared.crm.salesforce.described import Described, Field
from shared.crm.salesforce.faults import fault
from shared.crm.salesforce.session import Session

_ABSENT: Final = frozenset({400, 403, 404})


async def learn(
    session: Session, columns: Mapping[str, Collection[str]]
) -> Mapping[str, Described]:
    """These objects with these of their fields, as far as the caller sees such.

    One round trip, or none where all is remembered.
    """
    remembered = session.knowledge.described
    keys = {name: (session.user, name, frozenset(fields)) for name, fields in columns.items()}
    found = {name: remembered.get(key) for name, key in keys.items()}
    missing = [name for name, held in found.items() if held is None]
    if missing:
        parts = [composite.describe(f"of{n}", name) for n, name in enumerate(missing)]
        answers = await session.wire.ask(parts)
        for part, name in zip(parts, missing, strict=True):
            found[name] = known = _read(answers[part.name], columns[name])
            remembered.put(keys[name], known)
    return {name: known[0] for name, known in found.items() if known}


def _read(reply: Reply, columns: Collection[str]) -> tuple[Described, ...]:
    """Nothing for an object that isn't there for the caller."""
    if not reply.ok:
        if reply.status not in _ABSENT:
            raise fault(reply)
        return ()
    row = reply.row
    rows = {str(one["name"]): one for one in row.get("fields") or ()}
    named = [name for name, one in rows.items() if one.get("nameField")]
    return (
        Described(
            name=str(row["name"]),
            label=str(row.get("label") or row["name"]),
            plural=str(row.get("labelPlural") or row["name"]),
            name_field=named[0] if named else "",
            searched=bool(row.get("searchable")),
            fields={
                name: _field(rows[name])
                for name in dict.fromkeys((*columns, *named))
                if name in rows
            },
        ),
    )


def _field(row: Mapping[str, Any]) -> Field:
    filled = row.get("nillable", True) or row.get("defaultedOnCreate")
    return Field(
        name=str(row["name"]),
        label=str(row.get("label") or row["name"]),
        type=str(row["type"]),
        length=int(row.get("length") or 0),
        precision=int(row.get("precision") or 0),
        scale=int(row.get("scale") or 0),
        required=bool(row.get("createable")) and not filled,
        createable=bool(row.get("createable")),
        filterable=bool(row.get("filterable")),
        sortable=bool(row.get("sortable")),
        options={
            str(one["value"]): str(one.get("label") or one["value"])
            for one in row.get("picklistValues") or ()
            if one.get("active", True)
        },
        targets=tuple(row.get("referenceTo") or ()),
        relationship=str(row.get("relationshipName") or ""),
    )
