"""Ids that are the same on every machine."""

from uuid import NAMESPACE_DNS, uuid5

from sandbox.company import DOMAIN

_NAMESPACE = uuid5(NAMESPACE_DNS, DOMAIN)


def sample_id(kind: str, key: str) -> str:
    return str(uuid5(_NAMESPACE, f"{kind}:{key}"))
