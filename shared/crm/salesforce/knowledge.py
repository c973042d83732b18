"""What one worker remembers of the organisation.

Which fields there are depends on who asks (field-level security), so that is remembered for each
user by itself; queues are the same for all.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from shared.crm.salesforce.described import Described
from shared.crm.salesforce.objects import EMAIL_MESSAGE, KEY, PEOPLE, TASK, ActivityObject
from shared.crm.salesforce.remembered import Remembered
from shared.domain import Limits, RecordRef

FRESH: Final = 600.0
"""Seconds for which a described object is taken as it was."""
QUEUES_FRESH: Final = 240.0
MOST_USERS: Final = 500
_DESCRIBED_FRESH: Final = 300.0
_MOST_DESCRIBED: Final = 2_000

READERS: Final = ("EmailMessage", "Event", "Task", "ContentVersion", "Contact", "Lead", "Account")
"""The objects to describe."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What one user may do with one object. `lists` are its junction lists, `addresses` the fields
    that hold e-mail addresses, `targets` what its references point at, by field."""

    names: frozenset[str]
    createable: frozenset[str]
    addresses: tuple[str, ...]
    targets: Mapping[str, frozenset[str]]
    lists: frozenset[str]


_NOTHING: Final = Fields(frozenset(), frozenset(), (), {}, frozenset())


@dataclass(frozen=True, slots=True)
class Shape:
    """The objects as one user sees them; one that is missing is hidden or switched off."""

    objects: Mapping[str, Fields]

    @property
    def email(self) -> ActivityObject:
        """Where e-mail goes: without Enhanced Email there is no EmailMessage."""
        return EMAIL_MESSAGE if EMAIL_MESSAGE.name in self.objects else TASK

    def of(self, object_: str) -> Fields:
        """Nothing at all for an object that is missing."""
        return self.objects.get(object_, _NOTHING)

    def has(self, object_: str, name: str) -> bool:
        return name in self.of(object_).names

    def keyed(self, activity: ActivityObject) -> bool:
        """Whether our own fields are installed for it."""
        return self.has(activity.name, KEY)

    def lists(self, activity: ActivityObject) -> bool:
        """Whether it relates to several people (Shared Activities)."""
        return activity.who_list in self.of(activity.name).lists

    def takes(self, activity: ActivityObject, target: str) -> bool:
        """Whether records of `target` can be linked to."""
        targets = self.of(activity.name).targets
        return target in targets.get(activity.what, ()) or target in PEOPLE


DescribedKey = tuple[str, str, frozenset[str]]


@dataclass
class Knowledge:
    """`root` is the organisation's address without a trailing slash; `limits` are told by its
    administrator, since Salesforce has no call for them."""

    root: str
    limits: Limits
    clock: Callable[[], float] = time.monotonic
    package_missing: bool = False
    """Whether someone was met who can't see our own fields, and nobody since who can."""
    _shapes: OrderedDict[str, tuple[float, Shape]] = field(default_factory=OrderedDict)
    _queues: tuple[float, tuple[RecordRef, ...]] = (0.0, ())
    described: Remembered[DescribedKey, tuple[Described, ...]] = field(init=False)
    """Of one user an object with some of its fields; nothing where it is hidden or missing."""

    def __post_init__(self) -> None:
        self.described = Remembered(self.clock, _DESCRIBED_FRESH, _MOST_DESCRIBED)

    def shape(self, user: str) -> Shape | None:
        """None where it is unknown or not fresh any more."""
        until, shape = self._shapes.get(user, (0.0, None))
        return shape if self.clock() < until else None

    def learn(self, user: str, shape: Shape) -> None:
        self._shapes[user] = (self.clock() + FRESH, shape)
        self._shapes.move_to_end(user)
        while len(self._shapes) > MOST_USERS:
            self._shapes.popitem(last=False)
        self.package_missing = not shape.keyed(shape.email)

    def forget(self, user: str) -> None:
        """What was remembered turned out to be wrong."""
        self._shapes.pop(user, None)
        self.described.drop(lambda key: key[0] == user)

    @property
    def queues(self) -> tuple[RecordRef, ...] | None:
        """The queues that have an address; None where not fresh any more."""
        until, queues = self._queues
        return queues if self.clock() < until else None

    def learn_queues(self, queues: tuple[RecordRef, ...]) -> None:
        self._queues = (self.clock() + QUEUES_FRESH, queues)
