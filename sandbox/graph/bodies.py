"""Bodies: HTML to text and back, the preview, and the part that is new in a reply."""

import html
import re
from html.parser import HTMLParser

_SKIPPED = frozenset({"script", "style", "head", "title", "template"})
_BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "table", "blockquote"})
_PREVIEW = 255
_CHUNK = 8192

# Where Outlook, Gmail, Apple Mail and Thunderbird begin the quoted part.
_QUOTE_HTML = re.compile(
    r'<div[^>]+id="?(?:divRplyFwdMsg|appendonsend|mail-editor-reference-message-container)'
    r'|<div[^>]+class="?gmail_quote|<blockquote[^>]+type="?cite|<div[^>]+class="?moz-cite-prefix'
    r"|<div style=[\"']border:none;border-top:solid #E1E1E1",
    re.IGNORECASE,
)
_QUOTE_TEXT = re.compile(
    r"^(?:-{2,} ?(?:Original|Forwarded|Ursprüngliche|Oryginalna|Mensaje|Message)[^\n]*"
    r"|_{20,}|>.*)$",
    re.MULTILINE,
)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.length = 0
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self._hidden += 1
        elif tag in _BREAKS:
            self._add("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _BREAKS and tag != "br":
            self._add("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._add(re.sub(r"[ \t\r\n\f]+", " ", data))

    def _add(self, text: str) -> None:
        self.parts.append(text)
        self.length += len(text.strip())


def html_to_text(content: str, enough: int | None = None) -> str:
    """The readable text with CRLF line ends; `enough` stops early once so much is read."""
    parser = _Text()
    for start in range(0, len(content), _CHUNK):
        parser.feed(content[start : start + _CHUNK])
        if enough is not None and parser.length >= enough:
            break
    else:
        parser.close()
    lines = [line.strip() for line in "".join(parser.parts).split("\n")]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return text.replace("\n", "\r\n")


def text_to_html(content: str) -> str:
    lines = html.escape(content, quote=False).replace("\r\n", "\n").replace("\n", "<br>\r\n")
    return (
        '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
        f'</head><body><div class="PlainText">{lines}</div></body></html>'
    )


def preview(content: str, is_html: bool) -> str:
    """The first 255 characters of the text."""
    text = html_to_text(content, _PREVIEW * 2) if is_html else content[: _PREVIEW * 4].strip()
    return text[:_PREVIEW]


def unique_part(content: str, is_html: bool) -> str:
    """What this message adds to its conversation: all before the quoted part."""
    quote = (_QUOTE_HTML if is_html else _QUOTE_TEXT).search(content)
    return content if quote is None else content[: quote.start()].rstrip()


def converted(content: str, content_type: str, wanted: str | None) -> tuple[str, str]:
    """(content, content type) in the wanted one, `html` or `text`; None leaves it as it is."""
    if wanted is None or wanted == content_type:
        return content, content_type
    if wanted == "text":
        return html_to_text(content), "text"
    return text_to_html(content), "html"
