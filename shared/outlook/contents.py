"""What attachments hold, made into files. Pure."""

from email.message import EmailMessage
from urllib.parse import quote, urlsplit

_URL_CHARACTERS = "%:/?#[]@!$&'()*+,;=~-._"
_CARDS = {
    b"BEGIN:VCARD": ("text", "vcard", "contact.vcf"),
    b"BEGIN:VCALENDAR": ("text", "calendar", "event.ics"),
}


def shortcut(url: str | None) -> bytes | None:
    """An Internet shortcut (.url) to a web address; None for anything else.

    All but plain URL characters are percent-encoded, so nothing can end the line.
    """
    if not url:
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    safe = quote(url.strip(), safe=_URL_CHARACTERS, errors="replace")
    return f"[InternetShortcut]\r\nURL={safe}\r\n".encode("ascii")


def as_message(content: bytes) -> bytes:
    """RFC 822 bytes of an attached item.

    Graph gives a message as it is, but a contact as a vCard and an event as iCalendar
    (https://learn.microsoft.com/en-us/graph/api/attachment-get): those are put into a message,
    so that the .eml file opens.
    """
    for beginning, (main, sub, name) in _CARDS.items():
        if content.lstrip()[: len(beginning)].upper() == beginning:
            around = EmailMessage()
            around["Subject"] = name
            around.add_attachment(content, maintype=main, subtype=sub, filename=name)
            return around.as_bytes()
    return content
