"""Windows' names of time zones, which Outlook uses, and the IANA names that all others use."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_UTC_NAMES = frozenset({"utc", "tzone://microsoft/utc", "coordinated universal time"})


def iana_name(name: str | None) -> str:
    """The IANA name of a zone that Graph names either way; "UTC" for an unknown or custom one.

    A Windows zone covers several IANA zones; the one that CLDR lists for the whole world is taken
    (https://github.com/unicode-org/cldr/blob/main/common/supplemental/windowsZones.xml).
    """
    if not name or name.casefold() in _UTC_NAMES:
        return "UTC"
    from tzlocal.windows_tz import win_tz

    known = win_tz.get(name, name)
    return known if _exists(known) else "UTC"


def zone(name: str | None) -> ZoneInfo:
    """The zone of `iana_name`."""
    return ZoneInfo(iana_name(name))


def _exists(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
