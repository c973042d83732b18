"""`python -m sandbox.demo [--eml FILE] [--ics FILE]`: saves both, edits, finds and deletes them.

`python -m sandbox.demo --follow`: saves a mail and a meeting, and shows what happens next. It uses
the stack that `make run` has started, or else starts one of its own. `make demo` and `make follow`
call it.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.text import Text

from sandbox.children import ChildDied, NotReady
from sandbox.client import Handles
from sandbox.demo import following
from sandbox.demo.files import read_eml, read_ics
from sandbox.demo.journey import take
from sandbox.demo.steps import Mismatch
from sandbox.stack import CannotStart, free_ports, stack, unanswered

_SAMPLES = Path(__file__).parents[1] / "graph" / "sample"
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 where everything was as it should be, else 1; 130 where it was interrupted."""
    given = _parser().parse_args(arguments)
    console = Console()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        files = [read_eml(given.eml), read_ics(given.ics)]
        with _running(console, given.data) as (api, handles):
            if given.follow:
                following.take(console, api, handles)
            else:
                for file in files:
                    take(console, api, handles, file)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (OSError, ValueError, LookupError, httpx.HTTPError) as fault:
        console.print(Text(f"✗ {type(fault).__name__}: {fault}", "red"))
        return 1
    except (CannotStart, ChildDied, NotReady, Mismatch) as fault:
        console.print(Text(f"✗ {fault}", "red"))
        return 1
    console.rule("[green]everything was as it should be[/green]")
    return 0


@contextmanager
def _running(console: Console, data: Path) -> Iterator[tuple[str, Handles]]:
    """The address of the app's API, and the handles of its sandbox."""
    api = f"http://localhost:{os.environ.get('PORT') or 7071}"
    url = f"https://localhost:{os.environ.get('SANDBOX_PORT') or 7443}"
    ca = data / "ca.pem"
    if (
        unanswered(f"{url}/sandbox/users", ca) is None
        and unanswered(f"{api}/api/openapi.json", ca) is None  # healthy or not
    ):
        console.print(f"using the stack that runs at {api}")
        yield f"{api}/api", Handles(url, ca)
        return
    port, sandbox_port = free_ports(2)
    with stack(
        data / "demo",
        crm=os.environ.get("CRM") or "dataverse",
        port=port,
        sandbox_port=sandbox_port,
        stopping=threading.Event(),
        say=lambda what: console.print(f"starting {what} …"),
    ) as started:
        yield started.api, Handles(started.sandbox, started.ca)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--eml", type=Path, default=_SAMPLES / "blocked-attachments.eml")
    parser.add_argument("--ics", type=Path, default=_SAMPLES / "site-visit-en.ics")
    parser.add_argument("--follow", action="store_true", help="show what happens after a save")
    parser.add_argument("--data", type=Path, default=Path(".sandbox"), help="where a stack keeps")
    return parser


if __name__ == "__main__":
    sys.exit(main())
