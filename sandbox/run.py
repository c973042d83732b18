"""`python -m sandbox.run`: everything on this machine, until Ctrl-C. `make run` calls it."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from sandbox.children import ChildDied, NotReady, Stopped
from sandbox.stack import CannotStart, Stack, stack

CRMS = ("dataverse", "salesforce")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 after Ctrl-C, SIGTERM or a closed terminal, 1 where something could not go on."""
    given = _parser().parse_args(arguments)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    try:
        with stack(
            given.data,
            crm=given.crm,
            port=given.port,
            sandbox_port=given.sandbox_port,
            stopping=stopping,
            say=lambda what: print(f"starting {what} …", flush=True),
        ) as running:
            print(_ready(running, given.crm, given.data), flush=True)
            running.children.watch()
            print("stopping …", flush=True)
    except Stopped:
        return 0
    except (CannotStart, ChildDied, NotReady) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


def _ready(running: Stack, crm: str, data: Path) -> str:
    ca = data / "ca.pem"
    return f"""
ready
  app      {running.api}  ({crm}, on {running.host})
  sandbox  {running.sandbox}  (CA certificate: {ca})
  logs     {data}/app.log  {data}/sandbox.log  {data}/azurite.log

The people, their mailboxes and their rights:
  curl --cacert {ca} {running.sandbox}/sandbox/users
A token for one of them:
  curl --cacert {ca} {running.sandbox}/sandbox/tokens -d '{{"user": "ADDRESS"}}'

Ctrl-C stops everything."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.run", description=__doc__)
    environ = os.environ
    parser.add_argument("--crm", choices=CRMS, default=environ.get("CRM") or CRMS[0])
    parser.add_argument("--port", type=int, default=environ.get("PORT") or 7071)
    parser.add_argument("--sandbox-port", type=int, default=environ.get("SANDBOX_PORT") or 7443)
    parser.add_argument("--data", type=Path, default=Path(".sandbox"), help="kept here")
    return parser


if __name__ == "__main__":
    sys.exit(main())
