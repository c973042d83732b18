"""Which attachments go along with a save, and what becomes of the others. Pure but for `read`."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from shared.domain import Attachment, AttachmentKind, File, ItemRef, Limits, Rejection
from shared.errors import FieldError, InvalidRequest, Upstream
from shared.file_names import clean_name, with_extension
from shared.policy import AttachmentMode
from shared.ports import Mailbox

SMALL = 3 * 1024 * 1024
"""Bytes up to which an attachment is read together with the others, ahead of the save."""

HELD = 24 * 1024 * 1024
"""Bytes of attachments that one save holds in memory at once; what is beyond is read in turn."""

_TYPES = {
    AttachmentKind.ITEM: "message/rfc822",
    AttachmentKind.REFERENCE: "application/internet-shortcut",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """An attachment to save if the CRM takes it; `key` is its `File.key`."""

    attachment: Attachment
    key: str


@dataclass(frozen=True, slots=True)
class Choice:
    wanted: tuple[Wanted, ...]
    rejected: tuple[Rejection, ...]


class Unusable(Upstream):
    """A file turned out not to be savable only when it was read, in the middle of a save."""

    def __init__(self, key: str, rejection: Rejection) -> None:
        super().__init__("An attachment can't be read.")
        self.key = key
        self.rejection = rejection


def choose(
    attachments: Sequence[Attachment],
    asked: Literal["default"] | Sequence[str],
    mode: AttachmentMode,
) -> Choice:
    """Inline ones are never saved, and are mentioned only where someone asked for one by id.

    Raises `InvalidRequest` for an id that this item doesn't have, and for any where the admin
    switched attachments off.
    """
    if asked == "default":
        chosen = {a.id for a in attachments if not a.inline} if mode == "all" else set()
    else:
        chosen = set(asked)
        _check_ids(asked, attachments, mode)
    keys = _keys(attachments)
    return Choice(
        wanted=tuple(Wanted(a, keys[a.id]) for a in attachments if a.id in chosen and not a.inline),
        rejected=tuple(
            Rejection(clean_name(a.name), "inline")
            for a in attachments
            if a.id in chosen and a.inline
        ),
    )


def _check_ids(asked: Sequence[str], attachments: Sequence[Attachment], mode: str) -> None:
    if asked and mode == "off":
        raise InvalidRequest(
            "Your admin switched attachments off.",
            errors=(FieldError("attachments", "Must be empty."),),
        )
    there = {a.id for a in attachments}
    unknown = tuple(
        FieldError(f"attachments.{place}", "This item has no such attachment.")
        for place, wanted in enumerate(asked)
        if wanted not in there
    )
    if unknown:
        raise InvalidRequest("Some attachments don't exist.", errors=unknown)


def _keys(attachments: Iterable[Attachment]) -> Mapping[str, str]:
    """`File.key` by attachment id, made of what every mailbox tells alike.

    The size of a file is part of it; that of an attached item is not, since each mailbox counts
    its own rendering.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    keys = {}
    for a in attachments:
        size = str(a.size) if a.kind is AttachmentKind.FILE else ""
        traits = (a.kind.value, a.name, a.content_type.casefold(), size)
        text = "\x1f".join((*traits, str(seen[traits])))
        keys[a.id] = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        seen[traits] += 1
    return keys


def accept(
    wanted: Sequence[Wanted], limits: Limits
) -> tuple[tuple[Wanted, ...], tuple[Rejection, ...]]:
    """Splits into what the CRM takes, as far as can be told unread, and what it refuses."""
    verdicts = [(one, _refusal(one.attachment, limits)) for one in wanted]
    return (
        tuple(one for one, refusal in verdicts if refusal is None),
        tuple(refusal for _, refusal in verdicts if refusal is not None),
    )


def _refusal(attachment: Attachment, limits: Limits) -> Rejection | None:
    name = file_name(attachment, limits)
    if name.rpartition(".")[2].casefold() in limits.blocked_extensions:
        return Rejection(clean_name(attachment.name), "blocked_type")
    if attachment.kind is AttachmentKind.FILE and attachment.size > limits.max_bytes:
        return Rejection(clean_name(attachment.name), "too_large", limits.max_bytes)
    return None


def file_name(attachment: Attachment, limits: Limits) -> str:
    """An attached item becomes an .eml. A reference becomes an Internet shortcut, as a text file
    where the CRM blocks .url, since its link would be lost otherwise."""
    if attachment.kind is AttachmentKind.ITEM:
        return with_extension(attachment.name, ".eml")
    if attachment.kind is AttachmentKind.REFERENCE:
        shortcut = with_extension(attachment.name, ".url")
        return f"{shortcut}.txt" if "url" in limits.blocked_extensions else shortcut
    return clean_name(attachment.name)


def small(wanted: Sequence[Wanted]) -> tuple[Wanted, ...]:
    """Those to read ahead, all of them together at most `HELD` bytes."""
    chosen = []
    held = 0
    for one in wanted:
        if one.attachment.size <= SMALL and held + one.attachment.size <= HELD:
            chosen.append(one)
            held += one.attachment.size
    return tuple(chosen)


def file(
    one: Wanted, content: bytes | None, *, limits: Limits, mailbox: Mailbox, ref: ItemRef
) -> File:
    """`content` None is read when it is needed, and not kept.

    Its `read` raises `Unusable` where the content is gone or larger than the mailbox said.
    """
    attachment = one.attachment

    async def read() -> bytes:
        found = content
        if found is None:
            (found,) = await mailbox.read_files(ref, [attachment])
        rejection = unfit(attachment, found, limits)
        if found is None or rejection is not None:
            raise Unusable(
                one.key, rejection or Rejection(clean_name(attachment.name), "unavailable")
            )
        return found

    return File(
        key=one.key,
        name=file_name(attachment, limits),
        content_type=_TYPES.get(attachment.kind) or attachment.content_type,
        size=attachment.size if content is None else len(content),
        read=read,
    )


def unfit(attachment: Attachment, content: bytes | None, limits: Limits) -> Rejection | None:
    """Why this content can't be saved, if so."""
    if content is None:
        return Rejection(clean_name(attachment.name), "unavailable")
    if len(content) > limits.max_bytes:
        return Rejection(clean_name(attachment.name), "too_large", limits.max_bytes)
    return None
