"""The refusals of the REST API, with the codes, words and statuses that clients see.

REST API Developer Guide, "Status Codes and Error Responses"; codes: Object Reference, "Core Data
Types", StatusCode. Where Salesforce's own wording is not published, the text says plainly what is
wrong.
"""

from collections.abc import Iterable, Mapping
from typing import Any

ROLLED_BACK = (
    "The transaction was rolled back since another operation in the same transaction failed."
)
RECORD_ROLLED_BACK = (
    "Record rolled back because not all records were valid and the request was using AllOrNone "
    "header"
)


class Refused(Exception):
    """One entry of an error array, answered with `status`.

    `fields` is None for errors that are about no record; `detail` holds what else the entry says.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Iterable[str] | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = None if fields is None else list(fields)
        self.detail = dict(detail or {})

    def entry(self) -> dict[str, Any]:
        """As a single request is answered."""
        entry = {**self.detail, "message": self.message, "errorCode": self.code}
        return entry if self.fields is None else entry | {"fields": self.fields}

    def result(self) -> dict[str, Any]:
        """As one record of a collection is answered."""
        entry = {"statusCode": self.code, "message": self.message, "fields": self.fields or []}
        return {"success": False, "errors": [{**self.detail, **entry}]}


def _record(code: str, message: str, *fields: str, status: int = 400) -> Refused:
    return Refused(status, code, message, fields)


def not_found() -> Refused:
    return Refused(404, "NOT_FOUND", "The requested resource does not exist")


def no_external_id(value: str) -> Refused:
    return Refused(
        404,
        "NOT_FOUND",
        f"Provided external ID field does not exist or is not accessible: {value}",
    )


def method_not_allowed(method: str) -> Refused:
    return Refused(
        405,
        "METHOD_NOT_ALLOWED",
        f"HTTP Method '{method}' not allowed. Allowed are HEAD,GET,POST,PATCH,DELETE",
    )


def invalid_session() -> Refused:
    return Refused(401, "INVALID_SESSION_ID", "Session expired or invalid")


def bad_json(message: str) -> Refused:
    return Refused(400, "JSON_PARSER_ERROR", message)


def bad_input(message: str) -> Refused:
    return Refused(400, "INVALID_INPUT", message)


def cannot_read(kind: str, value: object) -> Refused:
    """A JSON value that doesn't fit the field's type."""
    token = {bool: "VALUE_TRUE", str: "VALUE_STRING", int: "VALUE_NUMBER_INT"}.get(type(value))
    return bad_json(
        f"Cannot deserialize instance of {kind} from {token or 'START_OBJECT'} value "
        f"{value} or request may be missing a required field"
    )


def malformed_query(message: str) -> Refused:
    return Refused(400, "MALFORMED_QUERY", message)


def malformed_search(message: str) -> Refused:
    return Refused(400, "MALFORMED_SEARCH", message)


def invalid_type(name: str) -> Refused:
    return Refused(
        400,
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be "
        "sure to append the '__c' after the entity name. Please reference your WSDL or the "
        "describe call for the appropriate names.",
    )


def no_such_column(name: str, object_: str) -> Refused:
    return Refused(
        400,
        "INVALID_FIELD",
        f"No such column '{name}' on entity '{object_}'. If you are attempting to use a custom "
        "field, be sure to append the '__c' after the custom field name. Please reference your "
        "WSDL or the describe call for the appropriate names.",
    )


def invalid_field(message: str) -> Refused:
    return Refused(400, "INVALID_FIELD", message)


def missing(fields: Iterable[str]) -> Refused:
    names = list(fields)
    return _record(
        "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", *names
    )


def not_writable(fields: Iterable[str]) -> Refused:
    names = list(fields)
    return _record(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings "
        "of this field and verify that it is read/write for your profile or permission set.",
        *names,
    )


def too_long(label: str, field: str, value: str, limit: int) -> Refused:
    return _record(
        "STRING_TOO_LONG", f"{label}: data value too large: {value} (max length={limit})", field
    )


def bad_email(label: str, field: str, value: str) -> Refused:
    return _record("INVALID_EMAIL_ADDRESS", f"{label}: invalid email address: {value}", field)


def bad_option(label: str, field: str, value: object) -> Refused:
    return _record(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        f"{label}: bad value for restricted picklist field: {value}",
        field,
    )


def number_outside(label: str, field: str) -> Refused:
    return _record(
        "NUMBER_OUTSIDE_VALID_RANGE",
        f"{label}: value outside of valid range on numeric field",
        field,
    )


def wrong_id(label: str, field: str, value: object) -> Refused:
    return _record("MALFORMED_ID", f"{label}: id value of incorrect type: {value}", field)


def malformed_id(value: object) -> Refused:
    return _record("MALFORMED_ID", f"malformed id {value}")


def bad_reference() -> Refused:
    return _record("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")


def no_such_record() -> Refused:
    return _record("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404)


def deleted() -> Refused:
    return _record("ENTITY_IS_DELETED", "entity is deleted", status=404)


def read_only(message: str = "insufficient access rights on object id", *fields: str) -> Refused:
    return _record("INSUFFICIENT_ACCESS_OR_READONLY", message, *fields, status=403)


def no_access_to(id_: str) -> Refused:
    return _record(
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        f"insufficient access rights on cross-reference id: {id_}",
    )


def duplicate_value(field: str, id_: str) -> Refused:
    """`id_` is the 15 characters of the record that has the value."""
    return _record(
        "DUPLICATE_VALUE",
        f"duplicate value found: {field} duplicates value on record with id: {id_}",
    )


def integrity(message: str, *fields: str) -> Refused:
    return _record("FIELD_INTEGRITY_EXCEPTION", message, *fields)


def validation(message: str, *fields: str) -> Refused:
    return _record("FIELD_CUSTOM_VALIDATION_EXCEPTION", message, *fields)


def storage_full() -> Refused:
    return _record("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")


def halted(message: str = ROLLED_BACK) -> Refused:
    return Refused(400, "PROCESSING_HALTED", message)


def unsupported(what: str) -> Refused:
    """Salesforce could do this; the stand-in can't, and says so rather than ignore it."""
    return Refused(501, "UNSUPPORTED", f"This stand-in for Salesforce does not support {what}.")
