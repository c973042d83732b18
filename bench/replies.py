"""`python -m bench.replies [--replies N]`: what each followed reply asks of Graph and of the CRM.

Counted by the stand-ins, reply by reply, once the worker is warm: for both CRMs, and for replies
without files and with three.
"""

import argparse
import asyncio
import time
from collections import Counter

from bench.following import Thread, deliver, follow, secret
from bench.stack import app, sandbox, storage
from sandbox.client import Handles

CRMS = ("dataverse", "salesforce")
MOST = {"graph": 1, "crm": 2}
_WARM_UP = 3
_LONGEST = 30.0
_QUIET = 0.4
"""Seconds without a call after which a reply counts as done with."""


def _calls(handles: Handles, thread: Thread, files: int) -> Counter[str]:
    """By service, of one reply that arrives, until nothing more is asked."""
    before = len(handles.requests())
    deliver(handles, thread, files)
    made, seen, quiet = handles.requests()[before:], 0, time.monotonic()
    end = time.monotonic() + _LONGEST
    while not seen or time.monotonic() < quiet + _QUIET:
        made = handles.requests()[before:]
        if len(made) != seen:
            seen, quiet = len(made), time.monotonic()
        if time.monotonic() > end:
            raise RuntimeError("Nobody looked at the reply.")
        time.sleep(0.02)
    return Counter(call["service"] for call in made)


def _measured(handles: Handles, thread: Thread, replies: int, files: int) -> list[Counter[str]]:
    found = [_calls(handles, thread, files) for _ in range(_WARM_UP + replies)]
    return found[_WARM_UP:]


async def _run(replies: int) -> None:
    print(f"calls for each of {replies} followed replies, worker warm: fewest to most")
    for crm in CRMS:
        with storage() as kept, sandbox() as handles, app(handles, crm=crm, storage=kept) as ours:
            thread = follow(handles, ours)
            await secret(kept)
            for files in (0, 3):
                made = await asyncio.to_thread(_measured, handles, thread, replies, files)
                told = "   ".join(
                    f"{name} {min(c[service] for c in made)}-{max(c[service] for c in made)}"
                    for name, service in (("Graph", "graph"), (crm, crm), ("Entra", "entra"))
                )
                print(f"  {crm:10}  {files} files   {told}")
    print(f"at most, without files: Graph {MOST['graph']}, CRM {MOST['crm']}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.replies", description=__doc__)
    parser.add_argument("--replies", type=int, default=20)
    asyncio.run(_run(parser.parse_args().replies))


if __name__ == "__main__":
    main()
