"""What an object may add to the general course of a write. Everything raises Refused."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.salesforce.drafts import Draft
from sandbox.salesforce.session import Session
from sandbox.store import Row


def _nothing(_session: Session, _about: Draft | Row) -> None:
    return


@dataclass(frozen=True, slots=True)
class Rule:
    """`before` completes and checks a draft, `duplicates` compares it with other records unless
    the client waives that, `after` follows when it is stored, `removing` precedes its removal."""

    before: Callable[[Session, Draft], None] = _nothing
    duplicates: Callable[[Session, Draft], None] = _nothing
    after: Callable[[Session, Draft], None] = _nothing
    removing: Callable[[Session, Row], None] = _nothing
