"""A whole sandbox in a thread of this process, for tests and benchmarks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.client import Handles
from sandbox.salesforce import write_private_key
from sandbox.sample import company
from sandbox.server import listen, serving
from sandbox.store import Store
from sandbox.tls import authority
from sandbox.world import World


class Running(Handles):
    """The handles, and the world behind them: read it freely, change it by handles only, since
    another thread serves it."""

    def __init__(self, world: World, ca: Path) -> None:
        super().__init__(world.base_url, ca)
        self.world = world


@contextmanager
def running(folder: Path, port: int = 0) -> Iterator[Running]:
    """Serves the sample company from memory; `folder` keeps the CA and the key of the Salesforce
    app. Port 0 takes a free one."""
    ca = authority(folder)
    listener = listen(port)
    world = World(Store(None), company(), f"https://localhost:{listener.getsockname()[1]}")
    write_private_key(world, folder)
    with serving(world, ca, listener):
        handles = Running(world, folder / "ca.pem")
        try:
            yield handles
        finally:
            handles.close()
