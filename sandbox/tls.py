"""The sandbox's own certificate authority. It is kept between runs, so that whoever trusts it once
need not do it again."""

import ssl
from pathlib import Path

import trustme


def authority(folder: Path) -> trustme.CA:
    """Reads `ca.pem` and `ca.key` in that folder, or makes them."""
    certificate, key = folder / "ca.pem", folder / "ca.key"
    if certificate.is_file() and key.is_file():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    folder.mkdir(parents=True, exist_ok=True)
    made = trustme.CA(organization_name="Threadline sandbox")
    key.touch(mode=0o600)
    key.write_bytes(made.private_key_pem.bytes())
    certificate.write_bytes(made.cert_pem.bytes())
    return made


def server_context(ca: trustme.CA) -> ssl.SSLContext:
    """For a server on this machine, by whichever of its names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    ca.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(context)
    return context
