"""`python -m sandbox.host [--app FOLDER] [--port N]`: runs a function app on this machine."""

import argparse
import asyncio
import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sandbox.host.config import ConfigError, apply_local_settings, read_host_json
from sandbox.host.functions import Function, LoadError, enabled, load
from sandbox.host.host import Host, Options, PortTaken
from sandbox.host.keys import kept_keys
from sandbox.host.listeners import ListenersEnded
from sandbox.host.routing import TemplateError

_NO_APP = 1
_NO_PORT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 after SIGTERM or SIGINT, 1 where the app can't run, 2 where the
    port is taken."""
    given = _parser().parse_args(arguments)
    folder, state = given.app.resolve(), given.state.resolve()
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("azure").setLevel(logging.WARNING)
    os.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
    os.chdir(folder)
    try:
        apply_local_settings(folder / "local.settings.json", os.environ)
        config = read_host_json(folder / "host.json", os.environ)
        functions = enabled(load(folder), os.environ)
        keys = kept_keys(state / "keys.json") if given.enable_auth else None
        options = Options(
            folder,
            state,
            given.port,
            given.drain,
            keys,
            given.lease,
            given.listener_python,
        )
        return asyncio.run(_serve(Host(functions, config, options), functions, config.route_prefix))
    except PortTaken as fault:
        print(fault, file=sys.stderr)
        return _NO_PORT
    except (ConfigError, ListenersEnded, LoadError, TemplateError) as fault:
        if fault.__cause__ is not None:
            traceback.print_exception(fault.__cause__)
        print(f"The app can't run: {fault}", file=sys.stderr)
        return _NO_APP


async def _serve(host: Host, functions: Sequence[Function], prefix: str) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    port = await host.start()
    for line in _listing(functions, f"http://localhost:{port}", prefix):
        print(line, flush=True)
    listening = asyncio.create_task(host.run())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([listening, stopping], return_when=asyncio.FIRST_COMPLETED)
    failed = listening.done()
    listening.cancel()
    stopping.cancel()
    ended = await host.stop()
    with suppress(asyncio.CancelledError):
        await listening
    if not ended:
        logging.shutdown()
        os._exit(0)
    return _NO_APP if failed else 0


def _listing(functions: Sequence[Function], root: str, prefix: str) -> list[str]:
    lines = ["Functions:"]
    for function in functions:
        fields = function.trigger.fields
        where = {
            "httpTrigger": lambda f: (
                f"[{','.join(f.get('methods') or ['*'])}] {root}/{prefix}/{f['route']}"
            ),
            "queueTrigger": lambda f: f"queue {f['queueName']}",
            "timerTrigger": lambda f: f"timer {f['schedule']}",
        }[function.trigger.type](fields)
        lines.append(f"  {function.name}: {where}")
    return [*lines, f"Listening on {root}"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.host", description=__doc__)
    parser.add_argument("--app", type=Path, default=Path(), help="folder of function_app.py")
    parser.add_argument("--port", type=int, default=7071, help="0 takes a free one")
    parser.add_argument("--state", type=Path, default=Path(".sandbox/host"), help="kept here")
    parser.add_argument("--drain", type=float, default=30.0, help="seconds granted at the end")
    parser.add_argument(
        "--lease", type=float, default=600.0, help="seconds until a killed host's messages return"
    )
    parser.add_argument(
        "--listener-python",
        default=sys.executable,
        metavar="PYTHON",
        help="runs what polls queues and timers; needs azure-storage-queue and croniter",
    )
    parser.add_argument(
        "--enableAuth", dest="enable_auth", action="store_true", help="ask for keys"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
