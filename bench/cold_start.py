"""`python -m bench.cold_start [--rounds N]`: from starting the process to the first save answered.

Set against a hello-world app, started in turn with ours on the same host, with the same Python and
the same libraries to be found: those of the package that is deployed, all with byte code. Where no
interpreter of Azure's version is found, it is the one that runs this. hello-world has one HTTP
function; ours has queues and timers besides, which another process listens to, as in Azure: it is
started, and counts as far as it takes the processors from ours. A third app is hello world with
the libraries that a save can't do without, and nothing of ours. The second save's time tells how
much of the first was warming up.
"""

import argparse
import statistics
import time

import httpx

from bench.deployed import Deployed, deployed
from bench.mail import SELLER
from bench.stack import ROOT, app, sandbox, when_listening
from bench.ways import deliver
from sandbox.client import Handles


def _hello(on: Deployed, folder: str = "hello") -> float:
    with httpx.Client(timeout=60) as client:
        begin = time.perf_counter()
        with app(None, folder=ROOT / "bench" / folder, on=on, wait=False) as running:
            when_listening(lambda: client.get(f"{running.api}/hello")).raise_for_status()
            return time.perf_counter() - begin


def _first_and_second_save(handles: Handles, on: Deployed) -> tuple[float, float]:
    headers = {"Authorization": f"Bearer {handles.token(SELLER.address)}"}
    ids = deliver(handles), deliver(handles)
    taken = []
    with httpx.Client(headers=headers, timeout=60) as client:
        begin = time.perf_counter()
        with app(handles, folder=on.folder, on=on, wait=False) as running:
            for id_ in ids:
                _save(client, f"{running.api}/activities", id_)
                taken.append(time.perf_counter() - begin)
                begin = time.perf_counter()
    return taken[0], taken[1]


def _save(client: httpx.Client, url: str, id_: str) -> None:
    body = {"item": {"kind": "email", "mailbox": "me", "id": id_}, "links": []}
    answer = when_listening(lambda: client.post(url, json=body))
    if answer.status_code != 201:
        raise RuntimeError(f"not saved as it should be: {answer.text}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    on = deployed()
    hello, libraries, first, second = [], [], [], []
    with sandbox() as handles:
        _hello(on)
        _hello(on, "libraries")
        _first_and_second_save(handles, on)  # byte code of the host, and file caches
        for _ in range(rounds):
            hello.append(_hello(on))
            libraries.append(_hello(on, "libraries"))
            one, two = _first_and_second_save(handles, on)
            first.append(one)
            second.append(two)
    base = statistics.median(hello)
    print(f"cold start of the package on Python {on.version}, {rounds} rounds, medians")
    print(f"  hello world answered  {base * 1000:7.0f} ms after the process was started")
    print(f"  with the libraries    {statistics.median(libraries) * 1000:7.0f} ms after it")
    print(f"  first save answered   {statistics.median(first) * 1000:7.0f} ms after it")
    print(f"  second save took      {statistics.median(second) * 1000:7.0f} ms")
    print(f"libraries alone / hello world: {statistics.median(libraries) / base:.2f}")
    print(f"first save / hello world:      {statistics.median(first) / base:.2f}   (at most 2)")


if __name__ == "__main__":
    main()
