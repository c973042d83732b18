"""`python -m bench.cold_start [--rounds N]`: from starting the process to the first save answered.

Set against a hello-world app on the same host, started in turn with ours. The second save's time
tells how much of the first was warming up.
"""

import argparse
import statistics
import time

import httpx

from bench.mail import SELLER
from bench.stack import ROOT, app, sandbox, wait_for_answer
from bench.ways import deliver
from sandbox.client import Handles


def _hello() -> float:
    begin = time.perf_counter()
    with app(None, folder=ROOT / "bench" / "hello", wait=False) as running:
        wait_for_answer(f"{running.api}/hello").raise_for_status()
        return time.perf_counter() - begin


def _first_and_second_save(handles: Handles) -> tuple[float, float]:
    headers = {"Authorization": f"Bearer {handles.token(SELLER.address)}"}
    ids = deliver(handles), deliver(handles)
    begin = time.perf_counter()
    with app(handles, wait=False) as running:
        taken = []
        with httpx.Client(headers=headers, timeout=60) as client:
            for id_ in ids:
                _save_when_listening(client, f"{running.api}/activities", id_)
                taken.append(time.perf_counter() - begin)
                begin = time.perf_counter()
    return taken[0], taken[1]


def _save_when_listening(client: httpx.Client, url: str, id_: str) -> None:
    body = {"item": {"kind": "email", "mailbox": "me", "id": id_}, "links": []}
    while True:
        try:
            answer = client.post(url, json=body)
        except httpx.ConnectError:
            time.sleep(0.005)
            continue
        if answer.status_code != 201:
            raise RuntimeError(f"not saved as it should be: {answer.text}")
        return


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    hello, first, second = [], [], []
    with sandbox() as handles:
        _hello()
        _first_and_second_save(handles)  # byte code and file caches, as a deployed package has them
        for _ in range(rounds):
            hello.append(_hello())
            one, two = _first_and_second_save(handles)
            first.append(one)
            second.append(two)
    base = statistics.median(hello)
    print(f"cold start, {rounds} rounds, medians")
    print(f"  hello world answered  {base * 1000:7.0f} ms after the process was started")
    print(f"  first save answered   {statistics.median(first) * 1000:7.0f} ms after it")
    print(f"  second save took      {statistics.median(second) * 1000:7.0f} ms")
    print(f"first save / hello world: {statistics.median(first) / base:.2f}   (at most 2)")


if __name__ == "__main__":
    main()
