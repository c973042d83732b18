"""What the admin's policy means for one save or edit: pure checks that raise `InvalidRequest`."""

from collections.abc import Mapping, Sequence

from shared.domain import ActivityKind, CategoryValue, Item, RecordRef, address_key
from shared.errors import FieldError, InvalidRequest
from shared.policy import CategoryField, Exclusions, Policy

_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "choice": ((int, str), "the value of a choice"),
    "integer": ((int,), "a whole number"),
    "boolean": ((bool,), "true or false"),
    "text": ((str,), "text"),
    "multiline": ((str,), "text"),
    "lookup": ((str,), "the id of a record"),
}


def one_link(links: Sequence[RecordRef], policy: Policy) -> RecordRef | None:
    """The link asked for, if any. Raises with `too_many_links` or `type_not_connectable`."""
    if len(links) > 1:
        raise InvalidRequest(
            "An activity can be connected to one record at most.", code="too_many_links"
        )
    for link in links:
        if link.type not in {allowed.type for allowed in policy.record_types}:
            raise InvalidRequest(
                f"Records of type {link.type} can't be connected to here; your admin chooses "
                "which types can.",
                code="type_not_connectable",
            )
    return links[0] if links else None


def check_categories(
    kind: ActivityKind,
    given: Mapping[str, CategoryValue],
    policy: Policy,
    *,
    whole: bool,
) -> None:
    """Every value fits a field that the admin set up, and no required one is left or made empty.

    `whole` says that fields not given stay empty, as in a save; in an edit they stay as they are.
    Raises with one field error for each thing wrong.
    """
    fields = {field.name: field for field in policy.categories(kind)}
    errors = [
        FieldError(f"categories.{name}", "Unknown; your admin chooses the fields of this form.")
        for name in given
        if name not in fields
    ]
    for name, field in fields.items():
        if name in given or whole:
            wrong = _wrong(field, given.get(name))
            if wrong:
                errors.append(FieldError(f"categories.{name}", wrong))
    if errors:
        raise InvalidRequest("Some fields can't be saved like this.", errors=tuple(errors))


def _wrong(field: CategoryField, value: CategoryValue) -> str | None:
    empty = value is None or (isinstance(value, str) and not value.strip())
    if empty:
        return "Required." if field.required else None
    expected, words = _TYPES[field.type]
    # a bool is an int to isinstance, but no choice or number to a person
    if type(value) not in expected:
        return f"Must be {words}."
    return None


def check_exclusions(item: Item, exclusions: Exclusions) -> None:
    """Raises with `excluded` where someone takes part who is never to be saved."""
    addresses = {address_key(address) for address in exclusions.addresses}
    domains = {_domain_key(domain) for domain in exclusions.domains}
    for participant in item.participants:
        address = address_key(participant.address)
        if address in addresses or _within(_domain_key(address.rpartition("@")[2]), domains):
            raise InvalidRequest(
                "Someone on your company's exclusion list takes part in this item, so it is "
                "never saved.",
                code="excluded",
            )


def _within(domain: str, domains: set[str]) -> bool:
    labels = domain.split(".")
    return any(".".join(labels[start:]) in domains for start in range(len(labels)))


def _domain_key(domain: str) -> str:
    """Lower case, without dots around it, and the same for an IDN in Unicode and in punycode."""
    plain = domain.strip().strip(".").removeprefix("@").casefold()
    if plain.isascii():
        return plain
    try:
        return plain.encode("idna").decode("ascii")
    except UnicodeError:
        return plain
