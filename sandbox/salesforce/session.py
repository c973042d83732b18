"""What one request works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.org import Org
from sandbox.salesforce.rows import Rows
from sandbox.salesforce.schema.model import Object, Schema
from sandbox.world import World


@dataclass(frozen=True, slots=True)
class Caller:
    """`user` is the id of a User. `reads_all` False: only the user's own records."""

    user: str
    reads_all: bool
    writes: bool


@dataclass(frozen=True, slots=True)
class Session:
    """`version` is the API version in the URL, e.g. `v64.0`. `all_or_none`: this is part of a
    composite that is all or nothing."""

    world: World
    rows: Rows
    org: Org
    schema: Schema
    caller: Caller
    version: str
    all_or_none: bool = False

    @property
    def root(self) -> str:
        """The path below which the version's resources lie."""
        return f"/services/data/{self.version}"

    def object(self, name: str) -> Object:
        """Raises Refused (404) for an object that this organisation doesn't have."""
        found = self.schema.by_lower.get(name.lower())
        if found is None:
            raise errors.not_found()
        return found

    def url(self, object_: Object, id_: str) -> str:
        return f"{self.root}/sobjects/{object_.name}/{id_}"


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, or one part of a composite.

    `path` holds the decoded segments below the version; header names are in lower case; `body` is
    parsed JSON, or None where there was none; `files` the other parts of a multipart body.
    """

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is JSON, None for no body at all, or bytes of `media_type`. `failed` tells of a
    failure inside an answer whose status is that of a success."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    failed: bool = False
