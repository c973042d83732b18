"""What a JSON body must look like before anyone reads it. Everything raises Refused."""

from collections.abc import Mapping
from typing import Any

from sandbox.salesforce import errors
from sandbox.salesforce.session import Call


def body_of(call: Call) -> Mapping[str, Any]:
    if not isinstance(call.body, dict):
        raise errors.bad_json("The HTTP entity body is required, and must be a JSON object.")
    return call.body


def objects_in(value: Any, name: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise errors.bad_json(f"{name} must be a list of objects.")
    return value


def texts_in(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise errors.bad_json(f"{name} must be a list of strings.")
    return value


def text_in(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise errors.bad_json(f"{name} must be a string.")
    return value
