"""Azurite, Microsoft's storage emulator from npm, as this project starts it."""

from collections.abc import Mapping
from pathlib import Path

SERVICES = ("blob", "queue", "table")

_PROGRAM = Path(__file__).parents[1] / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
_ACCOUNT = "devstoreaccount1"
# Published by Microsoft; the same for every Azurite, and worth nothing elsewhere.
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def command(ports: Mapping[str, int], folder: Path) -> list[str]:
    """`folder` keeps the data. `ports` has one for each of `SERVICES`.

    It is told not to report its use, which would be a call to the outside, and not to refuse the
    newer API versions that current client libraries speak. It isn't told to keep the data in
    memory: then, once some thousand messages went through a queue, it stands still for 20 seconds
    of every minute while it looks for what it may forget.
    """
    where = ["--location", str(folder)]
    quiet = ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    listening = [
        part
        for service in SERVICES
        for part in (f"--{service}Host", "127.0.0.1", f"--{service}Port", str(ports[service]))
    ]
    return ["node", str(_PROGRAM), *quiet, *where, *listening]


def connection_string(ports: Mapping[str, int]) -> str:
    endpoints = "".join(
        f"{service.title()}Endpoint=http://127.0.0.1:{ports[service]}/{_ACCOUNT};"
        for service in SERVICES
    )
    return f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};{endpoints}"
