"""`@{reference.path}` in the parts of a composite. REST API Developer Guide, "Composite"."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from sandbox.salesforce import errors

_REFERENCE = re.compile(r"@\{([^{}]*)\}")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+)\]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")

Answers = Mapping[str, Any]
"""The bodies of the parts answered so far, by reference id."""


def in_url(url: str, answers: Answers) -> str:
    """Raises Refused (PROCESSING_HALTED) for what no earlier part has answered."""
    return _substituted(url, answers, lambda text: quote(text, safe=""))


def in_body(body: Any, answers: Answers) -> Any:
    """As `in_url`, for every text within a JSON value."""
    if isinstance(body, str):
        return _substituted(body, answers, str)
    if isinstance(body, list):
        return [in_body(item, answers) for item in body]
    if isinstance(body, dict):
        return {name: in_body(value, answers) for name, value in body.items()}
    return body


def _substituted(text: str, answers: Answers, encode: Callable[[str], str]) -> str:
    if "@{" not in text:
        return text
    return _REFERENCE.sub(lambda match: encode(_value(match.group(1), answers)), text)


def _value(reference: str, answers: Answers) -> str:
    head = _NAME.match(reference)
    name = head.group() if head else ""
    value = answers.get(name)
    at = len(name)
    while value is not None and at < len(reference):
        step = _STEP.match(reference, at)
        value = _step(value, step) if step else None
        at = step.end() if step else at
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise errors.halted(
            f"Invalid reference specified. No value for {reference} found in {name}. Provided "
            f"referenceId ('{reference}') must start with a letter or a number, and it can contain "
            "only letters, numbers and underscores ('_')."
        )
    return str(value)


def _step(value: Any, step: re.Match[str]) -> Any:
    name, index = step.groups()
    if name is not None:
        return value.get(name) if isinstance(value, dict) else None
    inside = isinstance(value, list) and int(index) < len(value)
    return value[int(index)] if inside else None
