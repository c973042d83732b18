"""The sandbox's time, which tests may move."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Runs as the machine's clock does, ahead of it by `shift`."""

    def __init__(self) -> None:
        self.shift = timedelta()
        self._watchers: list[Callable[[], None]] = []

    def __call__(self) -> datetime:
        return self.unshifted() + self.shift

    def unshifted(self) -> datetime:
        return datetime.now(UTC)

    def move(self, shift: timedelta) -> None:
        """Sets how far ahead (or, negative, behind) it is."""
        self.shift = shift
        for heard in self._watchers:
            heard()

    def watch(self, heard: Callable[[], None]) -> Callable[[], None]:
        """Calls `heard` whenever the clock is moved, until the function given back is called."""
        self._watchers.append(heard)
        return lambda: self._watchers.remove(heard)
