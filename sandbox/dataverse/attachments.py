"""Files: what may be stored, and how big.

Learn, "Attachment, annotation and file columns" and "Files and images overview": the limit
`maxuploadfilesize` counts the base64 text; `blockedattachments` lists extensions.
"""

from typing import Any

from sandbox.dataverse import activities, errors
from sandbox.dataverse.rows import Rows
from sandbox.dataverse.session import Session
from sandbox.dataverse.values import decoded
from sandbox.store import Row

TABLE = "activitymimeattachment"
BODIES = {TABLE: "body", "annotation": "documentbody"}


def organization(rows: Rows) -> Row:
    return rows.all("organization")[0]


def prepare(session: Session, table: str, row: dict[str, Any]) -> None:
    """Before a file is created or changed; `row` is completed in place."""
    parent = row.get("objectid")
    if table == TABLE:
        if parent is None:
            raise errors.invalid_argument("An attachment must belong to an activity.")
        row["objecttypecode"] = parent[0]
    elif parent is not None:
        row["objecttypecode"] = parent[0]
    body = row.get(BODIES[table])
    if row.get("filename"):
        check_name(session.rows, row["filename"])
    if body is not None:
        row["filesize"] = _size(session.rows, body)
    if table == "annotation":
        row["isdocument"] = body is not None


def check_name(rows: Rows, name: str) -> None:
    """Raises Refused for an extension that the organisation blocks."""
    extension = name.rpartition(".")[2].strip().lower() if "." in name else ""
    if extension in organization(rows).get("blockedattachments", "").split(";"):
        raise errors.Refused(
            400,
            "0x80043e09",
            "The attachment is either not a valid type or is too large. It cannot be uploaded or "
            "downloaded.",
        )


def check_size(rows: Rows, base64_size: int) -> None:
    if base64_size > organization(rows)["maxuploadfilesize"]:
        raise errors.Refused(400, "0x80044a02", "Attachment file size is too big.")


def _size(rows: Rows, body: str) -> int:
    check_size(rows, len(body))
    content = decoded(body)
    if content is None:
        raise errors.bad_payload(
            "activitymimeattachments",
            "The value is not a valid Base-64 string.",
        )
    return len(content)


def recount(session: Session, parent: Any) -> None:
    """Keeps `attachmentcount` of the activity true."""
    table, id_ = parent
    row = session.rows.get(table, id_)
    if row is None or table not in ("email", "appointment"):
        return
    count = sum(1 for _ in session.rows.pointing(TABLE, "objectid", (id_,)))
    if row.get("attachmentcount", 0) != count:
        session.rows.put(table, id_, {**row, "attachmentcount": count})


def require_open(session: Session, row: Row) -> None:
    """Raises Refused where the attachment's activity is completed or cancelled."""
    parent = row.get("objectid")
    if parent:
        activities.require_open(session, parent[0], parent[1])
