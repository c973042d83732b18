"""Time zones: Exchange speaks Windows names, calendars files speak IANA's, Graph takes both."""

from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

# Cities that share a Windows zone with the one that the CLDR table names for it.
_NEIGHBOURS = {
    "Europe/Amsterdam": "W. Europe Standard Time",
    "Europe/Brussels": "Romance Standard Time",
    "Europe/Copenhagen": "Romance Standard Time",
    "Europe/Dublin": "GMT Standard Time",
    "Europe/Lisbon": "GMT Standard Time",
    "Europe/Madrid": "Romance Standard Time",
    "Europe/Prague": "Central Europe Standard Time",
    "Europe/Rome": "W. Europe Standard Time",
    "Europe/Stockholm": "W. Europe Standard Time",
    "Europe/Vienna": "W. Europe Standard Time",
    "Europe/Zurich": "W. Europe Standard Time",
    "Etc/UTC": "UTC",
    "UTC": "UTC",
}
_IANA = {name.lower(): iana for name, iana in WINDOWS_TO_OLSON.items()} | {"utc": "UTC"}
_WINDOWS = {iana: name for name, iana in WINDOWS_TO_OLSON.items()} | _NEIGHBOURS
_KNOWN = {name.lower(): name for name in available_timezones()}


def iana_name(name: str) -> str | None:
    """From a Windows or IANA name; None for what is neither."""
    return _IANA.get(name.lower()) or _KNOWN.get(name.lower())


def windows_name(iana: str) -> str:
    """The name that Graph shows; a zone without one keeps its own."""
    return _WINDOWS.get(iana, iana)


def zone(iana: str) -> ZoneInfo:
    return ZoneInfo(iana)


def name_of(when: datetime) -> str:
    """The IANA name of a datetime's zone; UTC where it has only an offset."""
    key = getattr(when.tzinfo, "key", None)
    if isinstance(key, str):
        return iana_name(key) or "UTC"
    return "UTC"
