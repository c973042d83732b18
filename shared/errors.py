"""Every way a call can fail, named for the person who asked.

`detail` is shown to that person and logged: it holds no body, address or token. How an error
becomes an HTTP answer is decided in `replies.py` alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with a request. `field` is a JSON path such as `links.0.type`."""

    field: str
    message: str


class ThreadlineError(Exception):
    """The root. `code` is the stable word of the HTTP API; `detail` says what to do about it."""

    code = "internal"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code


class InvalidRequest(ThreadlineError):
    """The request can't be done as asked: `invalid`, `malformed`, `too_many_links`,
    `type_not_connectable` or `excluded`."""

    code = "invalid"

    def __init__(
        self, detail: str, *, code: str | None = None, errors: tuple[FieldError, ...] = ()
    ) -> None:
        super().__init__(detail, code=code)
        self.errors = errors


class Unauthenticated(ThreadlineError):
    """No valid token came with the request."""

    code = "unauthenticated"


class Forbidden(ThreadlineError):
    """The CRM or the mailbox says no to this user."""

    code = "forbidden"


class NotFound(ThreadlineError):
    """`not_saved`, `item_not_found` or `record_not_found`."""

    code = "record_not_found"


class NoMailbox(ThreadlineError):
    """There is no such mailbox, or none at this moment, as while its owner has no licence. No
    `NotFound`, since it says nothing about what lies in it."""

    code = "item_not_found"


class Conflict(ThreadlineError):
    """The same thing is being done at this moment, or the record changed meanwhile."""

    code = "in_progress"


class TooLarge(ThreadlineError):
    """The item as a whole is more than the CRM or this app takes."""

    code = "too_large"


class Throttled(ThreadlineError):
    """A service asks to wait longer than the caller should. `retry_after` is in seconds."""

    code = "throttled"

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(ThreadlineError):
    """A service is down or did not answer in time; the same request may be sent again."""

    code = "unavailable"

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Upstream(ThreadlineError):
    """A service answered with something that trying again won't mend; the admin should look."""

    code = "upstream"


class Unsupported(ThreadlineError):
    """This CRM, or this organisation's edition of it, can't do that."""

    code = "invalid"
