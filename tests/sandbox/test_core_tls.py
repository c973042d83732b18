"""The throw-away certificate authority."""

import stat
import time
from pathlib import Path

import httpx
import pytest

from sandbox.running import Running
from sandbox.tls import authority


def test_the_authority_is_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    made = authority(folder).cert_pem.bytes()
    assert (folder / "ca.pem").read_bytes() == made
    assert authority(folder).cert_pem.bytes() == made


def test_its_key_is_its_owner_s_alone(tmp_path: Path) -> None:
    authority(tmp_path)
    assert stat.S_IMODE((tmp_path / "ca.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_certificate_is_good_for_the_names_of_this_machine(sandbox: Running, host: str) -> None:
    url = sandbox.url.replace("localhost", host)
    assert httpx.get(f"{url}/sandbox/users").status_code == 200


def test_answers_do_not_wait_for_acknowledgements(sandbox: Running) -> None:
    with httpx.Client(base_url=sandbox.url) as client:
        assert min(_seconds(client) for _ in range(15)) < 0.035


def _seconds(client: httpx.Client) -> float:
    started = time.perf_counter()
    client.get("/sandbox/users").raise_for_status()
    return time.perf_counter() - started
