"""Hosts and the mail domains of companies, as a CRM has them. Pure."""

from collections.abc import Sequence
from urllib.parse import urlsplit


def website_host(website: str) -> str:
    """The host of a website as people write it, without `www.`; empty where there is none."""
    text = website.strip()
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""
    return host.rstrip(".").removeprefix("www.")


def is_at(host: str, domain: str) -> bool:
    """Whether `host` is `domain` or lies below it."""
    return host == domain or host.endswith("." + domain)


def topmost(domains: Sequence[str]) -> tuple[str, ...]:
    """Those that aren't below another one: what lies below is found with it."""
    return tuple(d for d in domains if not any(d.endswith("." + other) for other in domains))
