"""Processes that live and die together."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TAIL = 20
_GRACE = 15.0


@dataclass(frozen=True, slots=True)
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


class ChildDied(Exception):
    """A process ended that should have gone on; the message has the end of its log."""

    def __init__(self, child: Child) -> None:
        lines = child.log.read_text(errors="replace").splitlines()[-_TAIL:]
        said = "\n".join(f"  {line}" for line in lines) or "  (it said nothing)"
        super().__init__(
            f"{child.name} ended with status {child.process.returncode}; "
            f"the end of {child.log}:\n{said}"
        )


class NotReady(Exception):
    """A process runs, but doesn't answer as it should in time."""


class Stopped(Exception):
    """The wait was called off."""


class Children:
    """Each child leads a process group, so that what it starts itself is ended with it.

    `logs` is the folder of their logs; setting `stopping` calls off whatever is waited for.
    """

    def __init__(self, logs: Path, stopping: threading.Event) -> None:
        self._logs = logs
        self._stopping = stopping
        self._children: list[Child] = []

    def start(
        self, name: str, command: Sequence[str], *, folder: Path, settings: Mapping[str, str]
    ) -> None:
        """`settings` come on top of this process's own environment."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(Child(name, process, log))

    def check(self) -> None:
        """Raises ChildDied for the first that has ended."""
        for child in self._children:
            if child.process.poll() is not None:
                raise ChildDied(child)

    def wait_for(self, what: str, ready: Callable[[], str | None], seconds: float = 60.0) -> None:
        """Until `ready` gives None; else it says what is amiss. Raises ChildDied, NotReady,
        Stopped."""
        end = time.monotonic() + seconds
        while (amiss := ready()) is not None:
            self.check()
            if time.monotonic() > end:
                raise NotReady(f"{what} is not ready after {seconds:.0f} s: {amiss}")
            if self._stopping.wait(0.05):
                raise Stopped
        self.check()

    def watch(self) -> None:
        """Returns when `stopping` is set. Raises ChildDied."""
        while not self._stopping.wait(0.2):
            self.check()

    def stop(self) -> None:
        """Asks each to end, the last started first, and ends what doesn't listen."""
        for child in reversed(self._children):
            _signal(child, signal.SIGTERM)
        end = time.monotonic() + _GRACE
        for child in reversed(self._children):
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, end - time.monotonic()))
            _signal(child, signal.SIGKILL)
            child.process.wait()
        self._children.clear()


def _signal(child: Child, number: int) -> None:
    """To the child and to whatever it has started."""
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, number)
