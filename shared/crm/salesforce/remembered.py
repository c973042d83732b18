"""What is remembered for a while, and no more of it than fits."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Remembered(Generic[Key, Value]):
    """Values that are good for `seconds`; beyond `most` of them, the one put first goes."""

    def __init__(self, clock: Callable[[], float], seconds: float, most: int) -> None:
        self._clock, self._seconds, self._most = clock, seconds, most
        self._held: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        held = self._held.get(key)
        return held[1] if held is not None and self._clock() < held[0] else None

    def put(self, key: Key, value: Value) -> None:
        self._held[key] = (self._clock() + self._seconds, value)
        self._held.move_to_end(key)
        while len(self._held) > self._most:
            self._held.popitem(last=False)

    def drop(self, is_wrong: Callable[[Key], bool]) -> None:
        for key in [key for key in self._held if is_wrong(key)]:
            del self._held[key]
