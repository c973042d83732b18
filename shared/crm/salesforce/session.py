"""One caller at one organisation: what reading and writing have in common."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from shared.crm.salesforce import composite, keys, queries, replies
from shared.crm.salesforce.composite import Part, Reply
from shared.crm.salesforce.faults import SchemaChanged, fault
from shared.crm.salesforce.knowledge import READERS, Knowledge, Shape
from shared.crm.salesforce.objects import ActivityObject, object_name
from shared.crm.salesforce.payloads import Target
from shared.crm.salesforce.replies import Reading, Record
from shared.crm.salesforce.wire import Wire
from shared.domain import ActivityKind, RecordRef
from shared.errors import InvalidRequest, NotFound
from shared.policy import CategoryField

_T = TypeVar("_T")
_HIDDEN = frozenset({400, 403, 404})


@dataclass(frozen=True, slots=True)
class Session:
    """`user` is under what the shape of objects is remembered."""

    wire: Wire
    knowledge: Knowledge
    user: str
    categories: Mapping[ActivityKind, tuple[CategoryField, ...]]

    async def shape(self) -> Shape:
        """The objects as the caller sees them, asked for when they aren't known any more."""
        known = self.knowledge.shape(self.user)
        if known is not None and self.knowledge.queues is not None:
            return known
        parts = [composite.query("queues", queries.QUEUES)]
        if known is None:
            parts += [composite.describe(name, name) for name in READERS]
        answers = await self.wire.ask(parts)
        self._learn_queues(answers.pop("queues"))
        if known is None:
            seen = {name: reply.row for name, reply in answers.items() if not _is_hidden(reply)}
            known = replies.shape(seen)
            self.knowledge.learn(self.user, known)
        return known

    def _learn_queues(self, reply: Reply) -> None:
        rows = () if _is_hidden(reply) else reply.rows
        self.knowledge.learn_queues(replies.queues(rows, self.knowledge.root))

    async def renewing(self, work: Callable[[], Awaitable[_T]]) -> _T:
        """Does the work, and once more with newly described objects where they had changed."""
        try:
            return await work()
        except SchemaChanged:
            self.knowledge.forget(self.user)
            return await work()

    def fields(self, object_: ActivityObject) -> Sequence[CategoryField]:
        return self.categories.get(object_.kind, ())

    def record(self, row: Mapping[str, Any], object_: ActivityObject) -> Record:
        queues = self.knowledge.queues or ()
        return replies.record(
            row, object_, Reading(self.knowledge.root, self.fields(object_), queues)
        )

    def reading(self, object_: ActivityObject, id_: str, shape: Shape) -> Part:
        """The query for one whole activity, named "now"."""
        soql = queries.activity(object_, id_, shape, self.fields(object_))
        return composite.query("now", soql)

    def read(self, reply: Reply, object_: ActivityObject) -> Record:
        """The record in a reply to `reading`. Raises `NotFound`, and what the reply means."""
        if not reply.ok:
            raise fault(reply)
        if not reply.rows:
            raise not_there()
        return self.record(reply.rows[0], object_)

    async def reread(self, object_: ActivityObject, id_: str, shape: Shape) -> Record:
        answers = await self.wire.ask([self.reading(object_, id_, shape)])
        return self.read(answers["now"], object_)

    def target(self, ref: RecordRef, object_: ActivityObject, shape: Shape) -> Target:
        """The record to link to.

        Raises `InvalidRequest` (type_not_connectable), and `NotFound` for what is no id.
        """
        name = object_name(ref.type)
        if name is None or not shape.takes(object_, name):
            raise InvalidRequest(
                "Salesforce connects no activities to records of this type.",
                code="type_not_connectable",
            )
        id_ = keys.record_id(ref.id)
        if id_ is None:
            raise not_there()
        return Target(name, id_)


def _is_hidden(reply: Reply) -> bool:
    """Whether the caller may not see it, or the organisation doesn't have it."""
    if reply.ok:
        return False
    if reply.status not in _HIDDEN:
        raise fault(reply)
    return True


def not_there() -> NotFound:
    return NotFound("Salesforce has no such record, or you may not see it.")
