"""`python -m bench.meaning`: what comparing by meaning costs a suggestion and a worker.

Only our own part and the client's: the model behind the sandbox is none, so that neither a real
one's time nor its effect can be told from here.
"""

import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sandbox.azure_openai import AUDIENCE, DEPLOYMENT
from sandbox.entra import identity, tokens
from sandbox.running import Running, running
from shared.domain import RecordRef
from shared.embeddings.azure_openai import AzureOpenAIEmbeddings
from shared.suggestions import Suggestion
from suggest_links.meaning import POOL, cosine, reweighed

SIZE = 1536
"""Numbers in a vector of text-embedding-3-small, and of text-embedding-ada-002."""

_IMPORTS = """
import time, asyncio, ssl, json, httpx, pydantic, azure.identity.aio
start = time.process_time()
import openai
openai.AsyncAzureOpenAI(azure_endpoint="https://a.example", api_version="1", azure_ad_token="t")
print(time.process_time() - start)
"""


def _told(name: str, seconds: list[float]) -> None:
    taken = sorted(one * 1000 for one in seconds)
    p50, p99 = statistics.median(taken), taken[int(len(taken) * 0.99)]
    print(f"{name:42s} p50 {p50:7.1f} ms, p99 {p99:7.1f} ms")


def _comparing(times: int) -> list[float]:
    rng = random.Random(7)
    vectors = [[rng.gauss(0, 1) for _ in range(SIZE)] for _ in range(POOL + 1)]
    pool = [Suggestion(RecordRef("case", str(n), ""), 1 / POOL) for n in range(POOL)]
    taken = []
    for _ in range(times):
        begin = time.process_time()
        reweighed(pool, [cosine(vectors[0], one) for one in vectors[1:]])
        taken.append(time.process_time() - begin)
    return taken


async def _asking(sandbox: Running, times: int) -> list[float]:
    claims = {**tokens.times(sandbox.world), "aud": AUDIENCE, "oid": identity.IDENTITY_OID}
    bearer = tokens.sign(sandbox.world, {**claims, "iss": tokens.v2_issuer(sandbox.world)})

    async def token(_scope: str) -> str:
        return bearer

    model = AzureOpenAIEmbeddings(sandbox.url, DEPLOYMENT, token)
    texts = ["a text of some length, " * 20] * (POOL + 1)
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        await model.embed(texts)
        taken.append(time.perf_counter() - begin)
    await model.aclose()
    return taken[5:]


def _imports(rounds: int) -> list[float]:
    command = [sys.executable, "-c", _IMPORTS]
    return [
        float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603
        for _ in range(rounds)
    ]


def main() -> None:
    best = min(_imports(5)) * 1000
    print(f"{'loading the client, in a thread, CPU':42s} best of 5 {best:.0f} ms")
    _told(f"comparing {POOL} records by {SIZE} numbers, CPU", _comparing(200))
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as sandbox:
        os.environ["SSL_CERT_FILE"] = str(sandbox.ca)
        _told("client and stand-in, 256 numbers each", asyncio.run(_asking(sandbox, 100)))


if __name__ == "__main__":
    main()
