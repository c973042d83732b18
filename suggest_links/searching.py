"""Searching the CRM for records by what a person types."""

from collections.abc import Sequence

from shared.errors import FieldError, InvalidRequest
from shared.policy import Policy, RecordType
from shared.ports import Crm
from shared.records import FoundRecord, Search, Wanted


async def search(
    text: str,
    types: Sequence[str],
    limit: int,
    *,
    view: str,
    language: str,
    crm: Crm,
    policy: Policy,
) -> Sequence[FoundRecord]:
    """Records of these types, or of all that the admin enabled where none is named.

    `view` names one of the admin's filters; types without it then bring nothing. The types that
    category fields look up may be named too. Raises `InvalidRequest` (type_not_connectable).
    """
    chosen = [_wanted(one, view) for one in _chosen(types, policy)]
    wanted = tuple(one for one in chosen if one is not None)
    if not wanted:
        error = FieldError("filter", "None of these types has a filter of this name.")
        raise InvalidRequest("There is no such filter.", errors=(error,))
    return await crm.search(Search(text, wanted, limit, language))


def _chosen(types: Sequence[str], policy: Policy) -> list[RecordType]:
    if not types:
        return list(policy.record_types)
    categories = (*policy.email_categories, *policy.meeting_categories)
    looked_up = (RecordType(type=one.lookup_type) for one in categories if one.lookup_type)
    allowed = {one.type: one for one in (*looked_up, *policy.record_types)}
    for type_ in types:
        if type_ not in allowed:
            raise InvalidRequest(
                f"Records of type {type_} can't be searched here; your admin chooses which types "
                "can.",
                code="type_not_connectable",
            )
    return [allowed[type_] for type_ in dict.fromkeys(types)]


def _wanted(type_: RecordType, view: str) -> Wanted | None:
    """None where the type has no filter of that name."""
    views = {one.name.casefold(): one.conditions for one in type_.filters}
    if view and view.casefold() not in views:
        return None
    conditions = views[view.casefold()] if view else ()
    return Wanted(type_.type, type_.key_fields, conditions, type_.order)
