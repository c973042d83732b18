"""Contact and Lead: their names, and the duplicate rule on their addresses.

Salesforce Help, "Standard Duplicate Rules". The wire spells the detail's key `duplicateResut`.
"""

from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.drafts import Draft
from sandbox.salesforce.rules.model import Rule
from sandbox.salesforce.session import Session
from sandbox.salesforce.sharing import sees
from sandbox.store import Row

_ADVICE = "You're creating a duplicate record. We recommend you use an existing record instead."


def _before(_session: Session, draft: Draft) -> None:
    first, last = draft.row.get("FirstName"), draft.row.get("LastName")
    draft.row["Name"] = " ".join(part for part in (first, last) if part) or None


def _duplicates(session: Session, draft: Draft) -> None:
    address = draft.row.get("Email")
    if not address or (draft.old is not None and draft.old.get("Email") == address):
        return
    name = draft.object.name
    matches = [
        other
        for other in session.rows.known(name, "Email", (address,))
        if (other.get("Email") or "").lower() == address.lower()
        and not other["IsDeleted"]
        and other["Id"] != draft.row.get("Id")
        and sees(session, name, other)
    ]
    if matches:
        detail = _detail(session, draft, matches)
        raise errors.Refused(400, "DUPLICATES_DETECTED", _ADVICE, None, {"duplicateResut": detail})


def _detail(session: Session, draft: Draft, matches: list[Row]) -> dict[str, Any]:
    name = draft.object.name
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {
                "attributes": {"type": name, "url": session.url(draft.object, match["Id"])},
                "Id": match["Id"],
            },
        }
        for match in matches
    ]
    result = {
        "entityType": name,
        "errors": [],
        "matchEngine": "FuzzyMatchEngine",
        "matchRecords": records,
        "rule": f"Standard_{name}_Match_Rule_v1_1",
        "size": len(records),
        "success": True,
    }
    return {
        "allowSave": True,
        "duplicateRule": f"Standard_{name}_Duplicate_Rule",
        "duplicateRuleEntityType": name,
        "errorMessage": _ADVICE,
        "matchResults": [result],
    }


RULES = dict.fromkeys(("Contact", "Lead"), Rule(before=_before, duplicates=_duplicates))
