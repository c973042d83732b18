"""A few pieces of work side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

_One = TypeVar("_One")
_Result = TypeVar("_Result")


async def in_turns(
    work: Callable[[_One], Awaitable[_Result]], items: Sequence[_One], at_once: int
) -> list[_Result]:
    """What `work` gives for each, in the order of the items.

    After a failure nothing more is begun; what was begun ends first, then the failure of the
    earliest item is raised.
    """
    results: dict[int, _Result] = {}
    failures: dict[int, BaseException] = {}
    rest = iter(enumerate(items))

    async def worker(rest: Iterator[tuple[int, _One]]) -> None:
        for place, item in rest:
            try:
                results[place] = await work(item)
            except BaseException as error:
                failures[place] = error
                raise
            if failures:
                return

    await asyncio.gather(*(worker(rest) for _ in range(at_once)), return_exceptions=True)
    if failures:
        raise failures[min(failures)]
    return [results[place] for place in range(len(items))]
