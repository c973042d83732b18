"""The parts of a multipart/mixed body."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from sandbox.dataverse import errors

MIXED = "multipart/mixed"


@dataclass(slots=True)
class Part:
    """Header names are in lower case."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def content_type(self) -> str:
        return media_type(self.headers)


def media_type(headers: Mapping[str, str]) -> str:
    return parse_options_header(headers.get("content-type", ""))[0].decode("latin-1").lower()


def parts(headers: Mapping[str, str], body: bytes) -> list[Part]:
    """Lines must end in CRLF, as RFC 2046 and Dataverse want. Raises Refused for anything else."""
    content_type = headers.get("content-type", "")
    kind, options = parse_options_header(content_type)
    if kind.lower() != MIXED.encode() or not options.get(b"boundary"):
        raise errors.bad_query(
            f"The message does not contain a valid {MIXED} content type: '{content_type}'."
        )
    reader = _Reader()
    parser = MultipartParser(
        options[b"boundary"],
        {
            "on_part_begin": reader.begin,
            "on_part_data": reader.data,
            "on_part_end": reader.end,
            "on_header_field": reader.name,
            "on_header_value": reader.value,
            "on_header_end": reader.header_end,
        },
    )
    try:
        parser.write(body)
        parser.finalize()
    except MultipartParseError as error:
        raise _unreadable() from error
    if not reader.complete:
        raise _unreadable()
    return reader.parts


def _unreadable() -> errors.Refused:
    return errors.bad_query(
        "The batch request body could not be read: its lines must end in CRLF, and its parts must "
        "be delimited by the boundary of the Content-Type header."
    )


class _Reader:
    """Collects what the parser calls back with."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.complete = False
        self._chunks: list[bytes] = []
        self._name = b""
        self._value = b""

    def begin(self) -> None:
        self.parts.append(Part())
        self._chunks = []
        self.complete = False

    def data(self, data: bytes, start: int, end: int) -> None:
        self._chunks.append(data[start:end])

    def end(self) -> None:
        self.parts[-1].body = b"".join(self._chunks)
        self.complete = True

    def name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        name, value = self._name.decode("latin-1"), self._value.decode("latin-1")
        self.parts[-1].headers[name.lower()] = value.strip()
        self._name = self._value = b""
