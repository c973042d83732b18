"""How a queue message's body is written in storage: base64 or plain text, as host.json says."""

import base64


class UndecodableMessage(Exception):
    """A queue message isn't in the encoding that host.json names."""


def encode(body: bytes, *, base64_text: bool) -> str:
    return base64.b64encode(body).decode() if base64_text else body.decode()


def decode(content: str, *, base64_text: bool) -> bytes:
    """Raises UndecodableMessage."""
    if not base64_text:
        return content.encode()
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        raise UndecodableMessage("not base64") from None
