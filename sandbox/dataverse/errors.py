"""The refusals of the Dataverse Web API, with the codes and words that clients see.

Codes: Microsoft Learn, "Web service error codes"; shapes: "Compose HTTP requests and handle
errors". Where the service's own wording is not published, the text says plainly what is wrong.
"""

from collections.abc import Mapping

PAYLOAD_HELP = "https://go.microsoft.com/fwlink/?linkid=2195293"


class Refused(Exception):
    """The request is answered with `status` and an OData error of `code` and `message`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def bad_query(message: str) -> Refused:
    """The URL's query or path can't be understood."""
    return Refused(400, "0x80060888", message)


def unknown_property(table: str, name: str) -> Refused:
    return bad_query(
        f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table}'."
    )


def unknown_segment(name: str) -> Refused:
    return Refused(404, "0x80060888", f"Resource not found for the segment '{name}'.")


def unsupported(what: str) -> Refused:
    """Dataverse could do this; the stand-in can't, and says so rather than ignore it."""
    return Refused(501, "0x80060888", f"This stand-in for Dataverse does not support {what}.")


def bad_payload(entity_set: str, inner: str) -> Refused:
    """The body does not fit the type's declaration."""
    return Refused(
        400,
        "0x80048d19",
        f"Error identified in Payload provided by the user for Entity :'{entity_set}', For more "
        f"information on this error please follow this help link {PAYLOAD_HELP}  ---->  "
        f"InnerException : Microsoft.OData.ODataException: {inner}",
    )


def invalid_argument(message: str) -> Refused:
    return Refused(400, "0x80040203", message)


def does_not_exist(table: str, id_: str) -> Refused:
    return Refused(404, "0x80040217", f"{table} With Id = {id_} Does Not Exist")


def duplicate_key() -> Refused:
    """Learn, "Client errors": the code is certain, the HTTP status is not."""
    return Refused(412, "0x80040237", "Cannot insert duplicate key.")


def duplicate_record() -> Refused:
    """Learn shows 500 in a sample and lists the code under 412."""
    return Refused(
        412,
        "0x80040333",
        "A record was not created or updated because a duplicate of the current record already "
        "exists.",
    )


def stale() -> Refused:
    return Refused(
        412,
        "",
        "The version of the existing record doesn't match the RowVersion property provided.",
    )


def read_only() -> Refused:
    return Refused(400, "0x8004022e", "The object cannot be updated because it is read-only.")


def denied(user: str, privilege: str, table: str, object_type: int) -> Refused:
    return Refused(
        403,
        "0x80040220",
        f"Principal user (Id={user}, type=8) is missing {privilege} privilege on "
        f"OTC={object_type} for entity '{table}'.",
    )


def no_access(user: str, right: str, id_: str, object_type: int) -> Refused:
    return Refused(
        403,
        "0x80040220",
        f"SecLib::AccessCheckEx failed. Returned hr = -2147187962, ObjectID: {id_}, "
        f"ObjectTypeCode: {object_type}, CallingUser: {user}, AccessRights: {right}",
    )
