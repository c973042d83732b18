"""The calls on messages and their attachments."""

from base64 import b64decode
from typing import Any

from starlette.responses import Response

from sandbox.graph.calls import Call
from sandbox.graph.drafts import source
from sandbox.graph.errors import GraphError, item_not_found, malformed_id, unknown_property
from sandbox.graph.ids import attachment_id, attachment_key, folder_id
from sandbox.graph.listing import page
from sandbox.graph.message_views import (
    attachment_json,
    filterable_message,
    item_json,
    message_id,
    message_json,
    selected,
)
from sandbox.graph.messages import FOLDERS, SERVICE, attachments_of, find_message
from sandbox.graph.query import Query
from sandbox.store import Row


def message_row(call: Call) -> Row:
    """Raises GraphError 404, or 400 for what is no id."""
    try:
        found = find_message(call.store, call.mailbox, call.path("id"))
    except ValueError as error:
        raise malformed_id() from error
    if found is None:
        raise item_not_found()
    return found[0]


def get_message(call: Call) -> Response:
    call.query.refuse_all_but("select", "expand")
    shown = message_json(call.store, message_row(call), call.query, call.prefer, beta=call.beta)
    return call.json({"@odata.context": call.context("messages/$entity"), **shown})


def get_source(call: Call) -> Response:
    call.query.refuse_all_but()
    row = message_row(call)
    return Response(source(call.store, row), headers={"content-type": "text/plain"})


def list_messages(call: Call) -> Response:
    """All of the mailbox, or of one folder; newest first unless asked otherwise."""
    rows = [r for r in call.store.all(SERVICE, "messages") if r["mailbox"] == call.mailbox.address]
    if "folder" in call.request.path_params:
        folder = folder_of(call)
        rows = [row for row in rows if row["folder"] == folder]
    rows.sort(key=lambda row: str(row["fields"]["receivedDateTime"]), reverse=True)

    def show(row: Row, query: Query) -> dict[str, Any]:
        return message_json(call.store, row, query, call.prefer, beta=call.beta)

    return page(call, "messages", rows, show, lambda row: filterable_message(row, call.prefer))


def list_folders(call: Call) -> Response:
    call.query.refuse_all_but("select")
    folders = [_folder_json(call, folder) for folder in FOLDERS]
    return call.json({"@odata.context": call.context("mailFolders"), "value": folders})


def get_folder(call: Call) -> Response:
    call.query.refuse_all_but("select")
    shown = _folder_json(call, folder_of(call))
    return call.json({"@odata.context": call.context("mailFolders/$entity"), **shown})


def folder_of(call: Call) -> str:
    """By well-known name or id. Raises GraphError 404."""
    wanted = call.path("folder")
    for folder in FOLDERS:
        if wanted.lower() == folder or wanted == folder_id(call.mailbox.address, folder):
            return folder
    raise item_not_found()


def _folder_json(call: Call, folder: str) -> dict[str, Any]:
    fields = [
        row["fields"]
        for row in call.store.all(SERVICE, "messages")
        if row["mailbox"] == call.mailbox.address and row["folder"] == folder
    ]
    whole = {
        "id": folder_id(call.mailbox.address, folder),
        "displayName": FOLDERS[folder],
        "childFolderCount": 0,
        "unreadItemCount": sum(not shown["isRead"] for shown in fields),
        "totalItemCount": len(fields),
        "isHidden": False,
    }
    return selected(whole, call.query.select, "microsoft.graph.mailFolder", frozenset())


def list_attachments(call: Call) -> Response:
    call.query.refuse_all_but("select")
    row = message_row(call)
    parent = message_id(row, call.prefer.immutable_ids)
    shown = [
        attachment_json(file, parent, call.query.select, beta=call.beta)
        for file in attachments_of(call.store, row["key"])
    ]
    return call.json(
        {
            "@odata.context": call.context(f"messages('{parent}')/attachments"),
            "value": shown,
        }
    )


def get_attachment(call: Call) -> Response:
    row = message_row(call)
    return attachment_answer(call, row["key"], both_ids(row))


def get_attachment_content(call: Call) -> Response:
    row = message_row(call)
    return content_answer(attachment_row(call, row["key"], both_ids(row)))


def both_ids(row: Row) -> tuple[str, str]:
    return message_id(row, False), message_id(row, True)


def attachment_answer(call: Call, parent: str, parent_ids: tuple[str, str]) -> Response:
    call.query.refuse_all_but("select", "expand")
    file = attachment_row(call, parent, parent_ids)
    parent_id = parent_ids[call.prefer.immutable_ids]
    shown = attachment_json(file, parent_id, call.query.select, beta=call.beta)
    for expand in call.query.expand:
        if expand.name.lower() != "microsoft.graph.itemattachment/item":
            raise unknown_property(expand.name, "microsoft.graph.attachment")
        if file["kind"] == "item":
            shown["item"] = item_json(file["item"], expand)
    return call.json({"@odata.context": call.context("attachments/$entity"), **shown})


def attachment_row(call: Call, parent: str, parent_ids: tuple[str, ...]) -> Row:
    """`parent_ids` are the regular and the immutable id of the item that holds it."""
    wanted = call.path("attachment")
    key = attachment_key(wanted)
    if key is None:
        raise malformed_id()
    files = attachments_of(call.store, parent)
    row = next((file for file in files if file["key"] == key), None)
    if row is None or wanted not in {attachment_id(id_, key) for id_ in parent_ids}:
        raise item_not_found()
    return row


def content_answer(row: Row) -> Response:
    """A reference has no content: Graph answers 405 (attachment-get.md)."""
    if row["kind"] == "reference":
        raise GraphError(
            405, "ErrorInvalidRequest", "The content of a reference attachment can't be read."
        )
    kind = "text/plain" if row["kind"] == "item" else row["contentType"]
    headers = {"content-type": kind or "application/octet-stream"}
    return Response(b64decode(row["content"]), headers=headers)
