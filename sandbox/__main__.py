"""`python -m sandbox [--port N] [--data DIR]`: serves the sandbox until it is told to stop."""

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path

from sandbox.salesforce import write_private_key
from sandbox.sample import company
from sandbox.server import listen, server
from sandbox.store import Store
from sandbox.tls import authority
from sandbox.world import World

DEFAULT_PORT = 7443


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        listener = listen(options.port)
    except OSError as error:
        print(f"Port {options.port} can't be used: {error.strerror}.", file=sys.stderr)
        return 1
    ca = authority(options.data)
    port = listener.getsockname()[1]
    world = World(Store(options.data / "sandbox.db"), company(), f"https://localhost:{port}")
    write_private_key(world, options.data)
    serving = server(world, ca)
    print(f"sandbox ready at {world.base_url}, CA in {options.data / 'ca.pem'}", flush=True)
    with suppress(KeyboardInterrupt):
        serving.run(sockets=[listener])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument(
        "--port",
        type=int,
        default=os.environ.get("SANDBOX_PORT", DEFAULT_PORT),
        help=f"default: SANDBOX_PORT, else {DEFAULT_PORT}; 0 takes a free one",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(".sandbox"),
        help="folder of the CA certificate and the database (default: .sandbox)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
