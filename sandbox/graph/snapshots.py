"""The state that a delta token stands for: which items there were, in which version.

Table `snapshots`. An id is made from the content, so a round that found nothing gives the token it
was asked with. Exchange keeps them in a cache of limited size, and forgets the oldest
(microsoft-graph-docs-contrib concepts/delta-query-overview.md, "State tokens"); so does this.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sandbox.graph.errors import GraphError
from sandbox.graph.outbox import SERVICE
from sandbox.store import Store

CAPACITY = 200


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`scope` tells what is tracked, `versions` the version of each item by its key."""

    id: str
    scope: Mapping[str, Any]
    versions: Mapping[str, str]


def keep(store: Store, scope: Mapping[str, Any], versions: Mapping[str, str]) -> Snapshot:
    row = {"scope": dict(scope), "versions": dict(versions)}
    id_ = sha256(json.dumps(row).encode()).hexdigest()[:40]
    with store.transaction():
        store.delete(SERVICE, "snapshots", id_)
        store.put(SERVICE, "snapshots", id_, row)
        for old, _ in store.items(SERVICE, "snapshots")[:-CAPACITY]:
            store.delete(SERVICE, "snapshots", old)
    return Snapshot(id_, scope, versions)


def find(store: Store, id_: str) -> Snapshot:
    """Raises GraphError 410 for one that is forgotten."""
    row = store.get(SERVICE, "snapshots", id_)
    if row is None:
        raise GraphError(
            410,
            "SyncStateNotFound",
            "The sync state generation is not found; generation=1;[highest=2][2][1].",
        )
    return Snapshot(id_, row["scope"], row["versions"])


def forget(store: Store) -> None:
    with store.transaction():
        for id_, _ in store.items(SERVICE, "snapshots"):
            store.delete(SERVICE, "snapshots", id_)
