"""What one request works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.dataverse.rows import Rows
from sandbox.world import World


@dataclass(frozen=True, slots=True)
class Caller:
    """`user` is the systemuserid whose rights and name count; `acting` the one who really calls,
    where it impersonates. `reads_all` False: only the user's own records."""

    user: str
    reads_all: bool
    writes: bool
    acting: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """`root` is the service root without a trailing slash. `references` are the Content-IDs that
    earlier requests of the same change set have declared: id → (table, row id).
    `detect_duplicates`: the request wants to hear of records that look the same."""

    world: World
    rows: Rows
    caller: Caller
    root: str
    references: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    detect_duplicates: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, or one part of a batch. Header names are in lower case; `target` is the
    path below the service root, still percent-encoded, without the query."""

    method: str
    target: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """`touched` names the row that the request made or touched, for Content-ID references."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    touched: tuple[str, str] | None = None
