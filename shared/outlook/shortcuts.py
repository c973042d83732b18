"""Links as files that Windows, macOS and browsers open."""

from urllib.parse import quote, urlsplit

_KEPT = "%:/?#[]@!$&'()*+,;=~-._"


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
    safe = quote(url.strip(), safe=_KEPT, errors="replace")
    return f"[InternetShortcut]\r\nURL={safe}\r\n".encode("ascii")
