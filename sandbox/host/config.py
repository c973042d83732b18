"""host.json, local.settings.json and binding expressions, as far as this host heeds them."""

import json
import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TIMESPAN = re.compile(r"(-?)(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?")
_EXPRESSION = re.compile(r"%([^%]+)%")

_OVERRIDE = "AzureFunctionsJobHost__"

MAX_BODY = 104_857_600
"""Bytes of one request that the Functions host takes unless told otherwise."""


class ConfigError(Exception):
    """A settings file, or a setting that a binding names, is missing or wrong."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """host.json `extensions.queues`; times in seconds.

    The longest pause between polls is the 2 s of a development machine, not the cloud's minute.
    https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue#host-json
    """

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    visibility_timeout: float
    max_polling_interval: float
    base64: bool


@dataclass(frozen=True, slots=True)
class HostConfig:
    """`function_timeout` is in seconds, None for no limit; 30 min is Flex Consumption's default."""

    route_prefix: str
    function_timeout: float | None
    queues: QueueOptions


def read_host_json(path: Path, environ: Mapping[str, str] | None = None) -> HostConfig:
    """Application settings such as `AzureFunctionsJobHost__extensions__queues__batchSize` go before
    the file, as https://learn.microsoft.com/azure/azure-functions/functions-host-json says.

    Raises ConfigError where the file is missing, no JSON, or not version 2.0.
    """
    document = _object(path)
    for name, value in (environ or {}).items():
        if name.startswith(_OVERRIDE):
            _override(document, name.removeprefix(_OVERRIDE).split("__"), value)
    if document.get("version") != "2.0":
        raise ConfigError(f'{path}: "version" must be "2.0"')
    extensions = document.get("extensions", {})
    prefix = extensions.get("http", {}).get("routePrefix", "api")
    timeout = document.get("functionTimeout", "00:30:00")
    return HostConfig(
        route_prefix=prefix.strip("/"),
        function_timeout=None if timeout == "-1" else seconds(timeout),
        queues=_queue_options(extensions.get("queues", {})),
    )


def _override(document: dict[str, Any], steps: Sequence[str], text: str) -> None:
    """Numbers and truth values are read as such, all else is text."""
    for step in steps[:-1]:
        document = document.setdefault(step, {})
    try:
        document[steps[-1]] = json.loads(text)
    except ValueError:
        document[steps[-1]] = text


def apply_local_settings(path: Path, environ: MutableMapping[str, str]) -> None:
    """Puts `Values` into the environment; what is set there already stays, as with Core Tools."""
    if not path.exists():
        return
    document = _object(path)
    if document.get("IsEncrypted"):
        raise ConfigError(f"{path}: encrypted settings can only be read by Core Tools")
    for name, value in document.get("Values", {}).items():
        environ.setdefault(name, str(value))


def expand(text: str, environ: Mapping[str, str]) -> str:
    """Replaces each `%NAME%` by that application setting. Raises ConfigError if it isn't set."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in environ:
            raise ConfigError(f"application setting {match[1]} is not set; {text} needs it")
        return environ[match[1]]

    return _EXPRESSION.sub(value, text)


def seconds(timespan: str) -> float:
    """A .NET time span, `[-][d.]hh:mm:ss[.fffffff]`, in seconds. Raises ConfigError."""
    match = _TIMESPAN.fullmatch(timespan)
    if match is None:
        raise ConfigError(f"{timespan!r} is not a time span such as 00:05:00")
    sign, days, hours, minutes, secs, fraction = match.groups()
    total = int(days or 0) * 86_400 + int(hours) * 3600 + int(minutes) * 60 + int(secs)
    return (total + float(f"0.{fraction or 0}")) * (-1 if sign else 1)


def _queue_options(section: Mapping[str, Any]) -> QueueOptions:
    batch = section.get("batchSize", 16)
    encoding = section.get("messageEncoding", "base64")
    if not 1 <= batch <= 32:
        raise ConfigError("host.json: extensions.queues.batchSize must be from 1 to 32")
    if encoding not in ("base64", "none"):
        raise ConfigError('host.json: extensions.queues.messageEncoding is "base64" or "none"')
    return QueueOptions(
        batch_size=batch,
        new_batch_threshold=section.get("newBatchThreshold", batch // 2),
        max_dequeue_count=section.get("maxDequeueCount", 5),
        visibility_timeout=seconds(section.get("visibilityTimeout", "00:00:00")),
        max_polling_interval=seconds(section.get("maxPollingInterval", "00:00:02")),
        base64=encoding == "base64",
    )


def _object(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path} is missing") from None
    except ValueError as fault:
        raise ConfigError(f"{path}: {fault}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: a JSON object is expected")
    return document
