"""Sample messages too large to keep as files, the same on every machine."""

from base64 import encodebytes
from collections.abc import Callable, Mapping
from hashlib import sha256

from sandbox.company import DOMAIN

_MIB = 1024 * 1024


def long_html() -> bytes:
    """A daily report whose HTML is a little over 1 MiB."""
    row = (
        '<tr style="mso-yfti-irow:{0};font-family:Calibri,sans-serif;font-size:11pt">'
        "<td>Trailer {0:05}</td><td>Gate {1}</td><td>{2} kg</td>"
        "<td>arrived on time &amp; unloaded, caf\u00e9 stop at M{3}</td></tr>\n"
    )
    rows: list[str] = []
    size = 0
    while size < _MIB + 4096:
        number = len(rows)
        rows.append(row.format(number, number % 7, 800 + number * 37 % 22000, number % 60))
        size += len(rows[-1].encode())
    html = (
        "<html><body><p>Anna, the whole list as promised.</p><table>\n"
        + "".join(rows)
        + "</table><p>End of the list. Gareth</p></body></html>\n"
    )
    head = _head(
        "Gareth Pugh <gareth.pugh@meridian-freight.example>",
        f"Anna Kowalska <anna.kowalska@{DOMAIN}>",
        "Telematics renewal 2026: arrivals of the year",
        "Wed, 11 Feb 2026 17:00:00 +0000",
        "<arrivals-2025@meridian-freight.example>",
    )
    kind = "Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
    return (head + kind + html).encode()


def big_attachment() -> bytes:
    """A message with one file of 4.5 MiB that does not compress."""
    content = _noise(4 * _MIB + _MIB // 2)
    head = _head(
        "Trevor Nakamura <trevor.nakamura@pinecrest.example>",
        f"Henry Whitfield <henry.whitfield@{DOMAIN}>",
        "Automation study: scan of the hall",
        "Thu, 12 Feb 2026 19:30:00 +0000",
        "<hall-scan@pinecrest.example>",
    )
    text = (
        'Content-Type: multipart/mixed; boundary="=_hall"\n\n'
        "--=_hall\nContent-Type: text/plain; charset=utf-8\n\n"
        "Henry, the point cloud of the hall is attached. Trevor\n\n"
        "--=_hall\nContent-Type: application/octet-stream\n"
        'Content-Disposition: attachment; filename="hall-scan.e57"\n'
        "Content-Transfer-Encoding: base64\n\n"
    )
    return head.encode() + text.encode() + encodebytes(content) + b"--=_hall--\n"


def many_recipients() -> bytes:
    """A mail to 300 people: 290 in To, 10 in Cc."""
    people = [
        f'"Visitor {number:03}, Trade Fair" <visitor{number:03}@fair-guests.example>'
        for number in range(1, 300)
    ]
    head = _head(
        "Chloe Barrington <chloe.barrington@wildflower.example>",
        ",\n ".join([f"Anna Kowalska <anna.kowalska@{DOMAIN}>", *people[:289]]),
        "Minutes of the trade fair round table",
        "Fri, 13 Feb 2026 08:00:00 +0000",
        "<minutes-300@wildflower.example>",
    )
    copies = "Cc: " + ",\n ".join(people[289:]) + "\n"
    kind = "Content-Type: text/plain; charset=utf-8\n\n"
    return (head + copies + kind + "Thank you all for coming. Chloe\n").encode()


def _head(sender: str, to: str, subject: str, date: str, message_id: str) -> str:
    return (
        f"From: {sender}\nTo: {to}\nSubject: {subject}\nDate: {date}\n"
        f"Message-ID: {message_id}\nMIME-Version: 1.0\n"
    )


def _noise(size: int) -> bytes:
    blocks = (sha256(number.to_bytes(8, "big")).digest() for number in range(size // 32 + 1))
    return b"".join(blocks)[:size]


BUILDERS: Mapping[str, Callable[[], bytes]] = {
    "long-html": long_html,
    "big-attachment": big_attachment,
    "many-recipients": many_recipients,
}
