"""The whole text of an item as a file, where the CRM can't hold it in the record."""

from shared.domain import File, Item, Limits, Rejection
from shared.file_names import clean_name, with_extension
from shared.policy import AttachmentMode
from shared.ports import Mailbox
from shared.safe_html import safe_html
from shared.truncation import one_line, storable

_KEY = "whole text"
"""Its `File.key`; those of attachments are digests."""


async def whole_text(
    item: Item, mode: AttachmentMode, limits: Limits, mailbox: Mailbox
) -> File | Rejection | None:
    """An e-mail as the .eml file that it is, a meeting's text as a page. None where the admin
    switched attachments off: an e-mail's file holds them too.

    Raises as `Mailbox.read_source` does.
    """
    if mode == "off":
        return None
    if item.kind == "email":
        name, type_ = with_extension(_title(item), ".eml"), "message/rfc822"
    else:
        extension, type_ = (".html", "text/html") if item.body.html else (".txt", "text/plain")
        name = with_extension(_title(item), extension)
    if name.rpartition(".")[2].casefold() in limits.blocked_extensions:
        return Rejection(name, "blocked_type")
    content = await mailbox.read_source(item.ref) if item.kind == "email" else _page(item)
    if len(content) > limits.max_bytes:
        return Rejection(name, "too_large", limits.max_bytes)

    async def read() -> bytes:
        return content

    return File(_KEY, name, type_, len(content), read)


def _title(item: Item) -> str:
    return clean_name(one_line(item.subject) or item.kind)


def _page(item: Item) -> bytes:
    text = storable(item.body.content)
    if item.body.html:
        text = f'<!DOCTYPE html>\n<meta charset="utf-8">\n{safe_html(text)}\n'
    return text.encode()
