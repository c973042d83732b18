"""Messages and attachments as Graph's JSON.

Default and on-demand properties: microsoft-graph-docs-contrib resources/message.md, attachment.md.
Two choices: a body keeps the type that the mail had where no Prefer header asks for one, and its
HTML comes as it was sent. Graph takes out some of what is dangerous; a client that survives this
stand-in survives Graph.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sandbox.graph import ids
from sandbox.graph.bodies import converted, unique_part
from sandbox.graph.errors import bad_request, unknown_property
from sandbox.graph.filters import named_ids
from sandbox.graph.ids import ItemKey
from sandbox.graph.messages import attachments_of
from sandbox.graph.query import Expand, Preferences, Query
from sandbox.store import Row, Store

_EXPANDS = frozenset({"attachments", "singlevalueextendedproperties"})
_ON_DEMAND = frozenset({"uniqueBody", "internetMessageHeaders"})
_ATTACHMENT = ("id", "lastModifiedDateTime", "name", "contentType", "size", "isInline")
_FILE_ONLY = ("contentId", "contentLocation", "contentBytes")
_REFERENCE_ONLY = ("sourceUrl", "providerType", "permission", "isFolder")


def message_id(row: Row, immutable: bool) -> str:
    key = ItemKey(row["key"])
    if immutable:
        return ids.immutable_id(row["mailbox"], key)
    return ids.regular_id(row["mailbox"], row["folder"], key)


def message_json(
    store: Store, row: Row, query: Query, prefer: Preferences, *, beta: bool = False
) -> dict[str, Any]:
    """Raises GraphError for properties that a message doesn't have."""
    whole = _whole_message(row, query, prefer)
    shown = selected(whole, query.select, "microsoft.graph.message", _ON_DEMAND)
    for expand in query.expand:
        if expand.name.lower() not in _EXPANDS:
            raise unknown_property(expand.name, "microsoft.graph.message")
        if expand.name.lower() == "attachments":
            expand.refuse_all_but("select")
            parent = message_id(row, prefer.immutable_ids)
            shown["attachments"] = [
                attachment_json(file, parent, expand.select, beta=beta)
                for file in attachments_of(store, row["key"])
            ]
        else:
            found = extended_json(all_extended(row), expand)
            if found:
                shown["singleValueExtendedProperties"] = found
    return shown


def filterable_message(row: Row, prefer: Preferences) -> dict[str, Any]:
    """All that a list may be filtered and sorted by."""
    stamps = [{"id": id_, "value": value} for id_, value in all_extended(row).items()]
    return _whole_message(row, Query(), prefer) | {"singleValueExtendedProperties": stamps}


def etag(row: Row) -> str:
    """Of a message or event."""
    return f'W/"{ids.change_key(row["mailbox"], row["key"], row["version"])}"'


def _whole_message(row: Row, query: Query, prefer: Preferences) -> dict[str, Any]:
    fields = row["fields"]
    id_ = message_id(row, prefer.immutable_ids)
    change_key = ids.change_key(row["mailbox"], row["key"], row["version"])
    whole: dict[str, Any] = {
        "@odata.etag": etag(row),
        "id": id_,
        "createdDateTime": row["created"],
        "lastModifiedDateTime": row["modified"],
        "changeKey": change_key,
        **fields,
        "parentFolderId": ids.folder_id(row["mailbox"], row["folder"]),
        "conversationId": ids.conversation_id(row["mailbox"], row["thread"]),
        "webLink": web_link(id_, "ReadMessageItem"),
        "body": _body(fields["body"], prefer.body_type),
    }
    if row["type"]:
        whole = {"@odata.type": row["type"], **whole}
    asked = set(query.select)
    if "uniqueBody" in asked:
        kind = fields["body"]["contentType"]
        unique = {
            "contentType": kind,
            "content": unique_part(fields["body"]["content"], kind == "html"),
        }
        whole["uniqueBody"] = _body(unique, prefer.body_type)
    if "internetMessageHeaders" in asked and row["folder"] not in ("sentitems", "drafts"):
        whole["internetMessageHeaders"] = headers_json(row["headers"])
    return whole


def headers_json(headers: list[list[str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def web_link(id_: str, model: str) -> str:
    return (
        f"https://outlook.office365.com/owa/?ItemID={quote(id_, safe='')}"
        f"&exvsurl=1&viewmodel={model}"
    )


def _body(body: Mapping[str, str], wanted: str | None) -> dict[str, str]:
    content, kind = converted(body["content"], body["contentType"], wanted)
    return {"contentType": kind, "content": content}


def selected(
    whole: Mapping[str, Any], select: tuple[str, ...], type_: str, on_demand: frozenset[str]
) -> dict[str, Any]:
    if not select:
        return dict(whole)
    by_name = {name.lower(): name for name in (*whole, *on_demand)}
    shown = {name: whole[name] for name in ("@odata.type", "@odata.etag", "id") if name in whole}
    for name in select:
        known = by_name.get(name.split("/")[0].lower())
        if known is None:
            raise unknown_property(name, type_)
        if known in whole:
            shown[known] = whole[known]
    return shown


def attachment_json(
    row: Row, parent_id: str, select: tuple[str, ...] = (), *, beta: bool = False
) -> dict[str, Any]:
    """`contentBytes` is left out by any `$select` that doesn't name it with its type."""
    whole: dict[str, Any] = {
        "id": ids.attachment_id(parent_id, row["key"]),
        "lastModifiedDateTime": row["modified"],
        **{name: row[name] for name in ("name", "contentType", "size", "isInline")},
    }
    if row["kind"] == "file":
        whole["contentId"] = row["contentId"]
        whole["contentLocation"] = row["contentLocation"]
        whole["contentBytes"] = row["content"]
    elif row["kind"] == "reference" and beta:
        whole["sourceUrl"] = row["sourceUrl"]
        whole["providerType"] = "oneDriveBusiness"
        whole["permission"] = "view"
        whole["isFolder"] = False
    shown: dict[str, Any] = {"@odata.type": f"#microsoft.graph.{row['kind']}Attachment"}
    if row["kind"] == "file":
        shown["@odata.mediaContentType"] = row["contentType"]
    if not select:
        return shown | whole
    shown["id"] = whole["id"]
    for name in select:
        bare = _attachment_property(name, beta=beta)
        if bare in whole:
            shown[bare] = whole[bare]
    return shown


def _attachment_property(name: str, *, beta: bool) -> str:
    """Properties of a derived type must be named with it, as in
    `microsoft.graph.fileAttachment/contentBytes`."""
    type_, slash, bare = name.rpartition("/")
    known: tuple[str, ...] = _ATTACHMENT
    if slash and type_.lower() == "microsoft.graph.fileattachment":
        known = (*_ATTACHMENT, *_FILE_ONLY)
    elif slash and type_.lower() == "microsoft.graph.referenceattachment" and beta:
        known = (*_ATTACHMENT, *_REFERENCE_ONLY)
    for candidate in known:
        if candidate.lower() == bare.lower():
            return candidate
    raise unknown_property(bare, type_ or "microsoft.graph.attachment")


def item_json(item: Mapping[str, Any], expand: Expand) -> dict[str, Any]:
    """The message inside an item attachment, for `$expand=microsoft.graph.itemattachment/item`.

    Its own attachments come with `($expand=microsoft.graph.message/attachments)`.
    """
    expand.refuse_all_but("expand")
    nested = {name.lower() for name in expand.expand}
    for name in nested - {"microsoft.graph.message/attachments"}:
        raise unknown_property(name, "microsoft.graph.outlookItem")
    shown = {
        "@odata.type": "#microsoft.graph.message",
        "id": "",
        **item["fields"],
        "internetMessageHeaders": headers_json(item["headers"]),
    }
    return shown | {"attachments": item["attachments"]} if nested else shown


def all_extended(row: Row) -> dict[str, str]:
    """The stamps set on a message and the MAPI properties that every message has."""
    fields = row["fields"]
    mapi = {
        "Integer 0x36": str(row["sensitivity"]),
        "String 0x1035": fields["internetMessageId"],
        "String 0x1042": row["inReplyTo"],
        "String 0x1039": row["references"],
    }
    if row["folder"] not in ("sentitems", "drafts") and row["headers"]:
        mapi["String 0x7D"] = "\r\n".join(f"{name}: {value}" for name, value in row["headers"])
    stamps: dict[str, str] = row["extended"]
    return {id_: value for id_, value in mapi.items() if value is not None} | stamps


def extended_json(properties: Mapping[str, str], expand: Expand) -> list[dict[str, str]]:
    """Graph gives only the extended properties that the expansion's filter names."""
    expand.refuse_all_but("filter")
    if expand.filter is None:
        raise bad_request("The $expand of singleValueExtendedProperties needs a $filter on id.")
    canonical = {_canonical(id_): value for id_, value in properties.items()}
    wanted = [(id_, canonical.get(_canonical(id_))) for id_ in named_ids(expand.filter)]
    return [{"id": id_, "value": value} for id_, value in wanted if value is not None]


def _canonical(id_: str) -> str:
    """`Integer 0x0036` and `integer 0x36` name one property."""
    kind, _, rest = id_.strip().lower().partition(" ")
    if rest.startswith("0x"):
        try:
            return f"{kind} {int(rest, 16):#x}"
        except ValueError:
            return id_
    return f"{kind} {rest}"
