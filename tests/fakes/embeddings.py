"""A model in memory, with the vectors of the sandbox's."""

import asyncio
from collections.abc import Sequence

from sandbox.azure_openai.vectors import vector
from shared.errors import ThreadlineError


class FakeEmbeddings:
    """Keeps what it was asked; `failure` is raised instead of an answer, `hangs` never answers."""

    def __init__(self, failure: ThreadlineError | None = None, *, hangs: bool = False) -> None:
        self.failure = failure
        self.hangs = hangs
        self.asked: list[tuple[str, ...]] = []
        self.given_up = 0

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        self.asked.append(tuple(texts))
        if self.hangs:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.given_up += 1
                raise
        if self.failure is not None:
            raise self.failure
        return [vector(text) for text in texts]
