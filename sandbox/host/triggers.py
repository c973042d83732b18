"""What a listener knows of the function that it listens for, and how it has it run.

The listeners live in a process of their own, so nothing here knows azure.functions.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any


class InvocationFailed(Exception):
    """The function raised, took too long, or one of its outputs could not be written."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """`type` is `queueTrigger` or `timerTrigger`. `fields` is the binding as function.json would
    have it, with its expressions expanded."""

    function: str
    type: str
    fields: Mapping[str, Any]


Run = Callable[[Mapping[str, Any]], Awaitable[None]]
"""Runs the function once, with what `QueueMessage` or `TimerRequest` is made of, as JSON has it.

Raises InvocationFailed, or `pipe.Closed` where the process that runs functions has ended."""
