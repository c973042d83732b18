"""What to ask Salesforce for the clues of an item. Pure.

Everybody's table of contacts, leads and accounts is searched by what each of them carries. The
table of e-mail is by far the largest of an organisation, and no field of it that holds addresses
has an index; so its rows are found through the people that they are related to (semi-joins on
contacts and leads), and those of strangers by the search index.

SOQL and SOSL Reference: at most two semi-joins in a query, none beside an OR, none in a
semi-join. Domains are looked for by LIKE, which finds a little too much, so that the answers need
a look at each.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from shared.crm.salesforce import keys
from shared.crm.salesforce.conditions import (
    Match,
    any_of,
    containing,
    ending,
    equal,
    ids,
    select,
    within,
)
from shared.crm.salesforce.knowledge import Shape
from shared.crm.salesforce.moments import moment
from shared.crm.salesforce.objects import EMAIL_MESSAGE, EVENT, ITEM_ID, LINK, ActivityObject
from shared.domains import topmost
from shared.global_ids import occurrence_ends
from shared.suggestions import Clues
from shared.truncation import one_line

MOST_FILED: Final = 100
MOST_RECORDS: Final = 500
"""Opportunities and cases, each. Salesforce gives fewer at once where the texts are long, but 200
at least."""
_CATCH: Final = 250
_CROWD: Final = 100
"""Outsiders whose earlier choices are asked for: more of them say nothing of any one."""
_LONGEST_SEARCH: Final = 3_900
"""Of the words of a search: beyond 4,000 characters Salesforce drops the operators between them
(SOSL Reference, "SOSL Syntax")."""

_SHORTEST_SEARCH: Final = 2
_RESERVED: Final = re.compile(r"[?&|!{}\[\]()^~*:\\\"'+-]")
"""What has a meaning in a search unless a backslash precedes it (SOSL Reference, "FIND")."""

ADDRESS_FIELDS: Final = ("FromAddress", "ToAddress", "CcAddress", "BccAddress")
OPPORTUNITY: Final = (
    "Id",
    "Name",
    "Description",
    "AccountId",
    "OwnerId",
    "IsClosed",
    "LastModifiedDate",
)
CASE: Final = (
    "Id",
    "CaseNumber",
    "Subject",
    "Description",
    "AccountId",
    "ContactId",
    "OwnerId",
    "IsClosed",
    "LastModifiedDate",
)
_LEAD: Final = (
    "Id",
    "Name",
    "Company",
    "Description",
    "OwnerId",
    "IsConverted",
    "LastModifiedDate",
)
ROLES: Final = "(SELECT ContactId, IsPrimary FROM OpportunityContactRoles)"


def contacts(shape: Shape, addresses: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    fields = shape.of("Contact").addresses
    columns = ["Id", "Name", *fields]
    if shape.has("Contact", "AccountId"):
        columns += ["AccountId", "Account.ParentId"][: 1 + shape.has("Account", "ParentId")]
    tests = [*equal(fields, addresses), *equal(("Name",), names)]
    return _lists(columns, "Contact", tests)


def leads(shape: Shape, addresses: Sequence[str], names: Sequence[str]) -> Iterator[str]:
    """Converted ones are out of people's sight."""
    fields = shape.of("Lead").addresses
    tests = [*equal(fields, addresses), *equal(("Name",), names)]
    return _lists(_lead_columns(shape), "Lead", tests, _unconverted(shape))


def leads_by_id(shape: Shape, found: Iterable[str]) -> Iterator[str]:
    return _lists(_lead_columns(shape), "Lead", ids("Id", found), _unconverted(shape))


def accounts(shape: Shape, clues: Clues) -> Iterator[str]:
    fields = shape.of("Account").addresses
    website = ("Website",) if shape.has("Account", "Website") else ()
    tests = [
        *equal(fields, clues.outsiders),
        *containing(website, topmost(clues.domains)),
        *ending(fields, topmost(clues.domains)),
    ]
    return _lists(_account_columns(shape), "Account", tests)


def accounts_by_id(shape: Shape, found: Iterable[str]) -> Iterator[str]:
    return _lists(_account_columns(shape), "Account", ids("Id", found))


def staff(shape: Shape, domains: Sequence[str]) -> Iterator[str]:
    """Contacts at the domains whose account names no website: it is known by its people."""
    if not (shape.has("Account", "Website") and shape.has("Contact", "AccountId")):
        return iter(())
    fields = shape.of("Contact").addresses
    known_by_them = "AccountId != null AND Account.Website = null"
    tests = ending(fields, topmost(domains))
    return _lists(
        ["AccountId", "Account.Name", "Account.ParentId", *fields], "Contact", tests, known_by_them
    )


def conversation(object_: ActivityObject, shape: Shape, clues: Clues) -> Iterator[str]:
    """E-mail of the same thread: what carries one of the messages, or began with one of them; a
    meeting's records and those of its series."""
    if object_ is EMAIL_MESSAGE:
        tests = equal(("MessageIdentifier", "ThreadIdentifier"), clues.message_ids)
        people = "(SELECT RelationAddress FROM EmailMessageRelations)"
        columns = [*columns_of(object_, shape), people]
    else:
        tests = _meeting_or_messages(object_, shape, clues)
        people = f"(SELECT RelationId, Relation.Email FROM {object_.people})"  # noqa: S608
        columns = [*columns_of(object_, shape), *([people] if shape.lists(object_) else [])]
    return _lists(
        columns, object_.name, tests, linked(object_, shape), "CreatedDate DESC", MOST_FILED
    )


def _meeting_or_messages(object_: ActivityObject, shape: Shape, clues: Clues) -> list[Match]:
    if not shape.has(object_.name, ITEM_ID):
        return []
    if object_ is not EVENT:
        return equal((ITEM_ID,), map(keys.stored_id, clues.message_ids))
    if not clues.conversation_id or clues.message_ids:
        return []
    begin, end = occurrence_ends(clues.conversation_id)
    dated = f"'{begin}%{end}'"
    return [
        *equal((ITEM_ID,), (keys.stored_id(clues.conversation_id),)),
        Match(ITEM_ID, dated, like=True),
    ]


def habits(
    object_: ActivityObject, person: str, shape: Shape, clues: Clues, since: datetime
) -> Iterator[str]:
    """The latest activities, linked to something, with such contacts, or such leads."""
    if object_ is EMAIL_MESSAGE:
        return _related_messages(person, shape, clues, since)
    return _related_activities(object_, person, shape, clues, since)


def _related_messages(person: str, shape: Shape, clues: Clues, since: datetime) -> Iterator[str]:
    columns = [
        "EmailMessageId",
        "RelationAddress",
        *columns_of(EMAIL_MESSAGE, shape, "EmailMessage."),
    ]
    for condition in any_of(_persons(person, shape, clues)):
        yield select(
            columns,
            "EmailMessageRelation",
            (
                f"CreatedDate >= {moment(since)}",
                linked(EMAIL_MESSAGE, shape, "EmailMessage."),
            ),
            semi_join=within("RelationId", "Id", person, condition),
            order="CreatedDate DESC",
            limit=MOST_FILED,
        )


def _related_activities(
    object_: ActivityObject, person: str, shape: Shape, clues: Clues, since: datetime
) -> Iterator[str]:
    """Each is about several people with Shared Activities, else about one."""
    several = shape.lists(object_)
    source = f"{object_.name}WhoRelation" if several else object_.name
    prefix = f"{object_.name}." if several else ""
    field = "RelationId" if several else "WhoId"
    path = "Relation" if several else "Who"
    columns = [f"{path}.Email", *columns_of(object_, shape, prefix)]
    for condition in any_of(_persons(person, shape, clues)):
        yield select(
            columns,
            source,
            (f"{prefix}CreatedDate >= {moment(since)}", linked(object_, shape, prefix)),
            semi_join=within(field, "Id", person, condition),
            order=f"{prefix}CreatedDate DESC",
            limit=MOST_FILED,
        )


def _persons(person: str, shape: Shape, clues: Clues) -> list[Match]:
    fields = shape.of(person).addresses
    return [*equal(fields, clues.outsiders[:_CROWD]), *ending(fields, topmost(clues.domains))]


def strangers(
    objects: Sequence[ActivityObject], shape: Shape, clues: Clues, since: datetime
) -> str:
    """A SOSL statement for activities in whose texts the addresses stand, empty where there is
    nothing to look for. They may stand in the body alone, so each needs a look."""
    words = _phrases((*clues.outsiders[:_CROWD], *topmost(clues.domains)))
    if not words or not objects:
        return ""
    returned = ", ".join(
        f"{one.name}({', '.join(columns_of(one, shape))} "
        f"WHERE CreatedDate >= {moment(since)} AND ({linked(one, shape)}) "
        f"ORDER BY CreatedDate DESC LIMIT {MOST_FILED})"
        for one in objects
    )
    return f"FIND {{{words}}} IN ALL FIELDS RETURNING {returned}"


def _phrases(texts: Iterable[str]) -> str:
    """As many as fit, joined by OR."""
    chosen = ""
    for text in dict.fromkeys(map(one_line, texts)):
        if sum(map(str.isalnum, text)) < _SHORTEST_SEARCH:
            continue
        plain = _RESERVED.sub(r"\\\g<0>", text)
        phrase = f'"{plain}"'
        longer = f"{chosen} OR {phrase}" if chosen else phrase
        if len(longer) > _LONGEST_SEARCH:
            break
        chosen = longer
    return chosen


def columns_of(object_: ActivityObject, shape: Shape, prefix: str = "") -> list[str]:
    """What tells where an activity was filed, when, and with whom."""
    what = object_.what_relationship
    names = ["Id", "CreatedDate", object_.what, f"{what}.Name", f"{what}.Type"]
    optional: tuple[str, ...]
    if object_ is EMAIL_MESSAGE:
        optional = ("MessageDate", "ParentId", LINK, *ADDRESS_FIELDS)
    else:
        optional = ("StartDateTime", "Description", LINK)
    names += [name for name in optional if shape.has(object_.name, name)]
    return [prefix + name for name in names]


def linked(object_: ActivityObject, shape: Shape, prefix: str = "") -> str:
    """The activity is filed somewhere: related to a record, a message of a case, or about the
    person whom our own field names."""
    optional = ("ParentId", LINK) if object_ is EMAIL_MESSAGE else (LINK,)
    fields = [object_.what, *(name for name in optional if shape.has(object_.name, name))]
    return " OR ".join(f"{prefix}{name} != null" for name in fields)


def opportunities(
    columns: Sequence[str], accounts: Sequence[str], since: datetime
) -> Iterator[str]:
    """Of these accounts: open ones, and others that were changed after `since`, which comes
    closest to when one was closed."""
    return _deals(columns, "Opportunity", ids("AccountId", accounts), since)


def opportunities_of_contacts(
    columns: Sequence[str], contacts: Sequence[str], since: datetime
) -> Iterator[str]:
    for condition in any_of(ids("ContactId", contacts)):
        yield select(
            columns,
            "Opportunity",
            (_alive(since),),
            semi_join=within("Id", "OpportunityId", "OpportunityContactRole", condition),
            order="LastModifiedDate DESC",
            limit=MOST_RECORDS,
        )


def cases(
    columns: Sequence[str], accounts: Sequence[str], contacts: Sequence[str], since: datetime
) -> Iterator[str]:
    tests = [*ids("AccountId", accounts), *ids("ContactId", contacts)]
    return _deals(columns, "Case", tests, since)


def by_id(columns: Sequence[str], object_: str, found: Iterable[str]) -> Iterator[str]:
    return _lists(columns, object_, ids("Id", found), "", "Id", MOST_RECORDS)


def _deals(
    columns: Sequence[str], object_: str, tests: Sequence[Match], since: datetime
) -> Iterator[str]:
    return _lists(columns, object_, tests, _alive(since), "LastModifiedDate DESC", MOST_RECORDS)


def _alive(since: datetime) -> str:
    return f"IsClosed = false OR LastModifiedDate >= {moment(since)}"


def _account_columns(shape: Shape) -> list[str]:
    optional = ("Website", "ParentId", *shape.of("Account").addresses)
    return ["Id", "Name", *(name for name in optional if shape.has("Account", name))]


def _lead_columns(shape: Shape) -> list[str]:
    known = [name for name in _LEAD if shape.has("Lead", name)]
    return [*known, *shape.of("Lead").addresses]


def _unconverted(shape: Shape) -> str:
    return "IsConverted = false" if shape.has("Lead", "IsConverted") else ""


def _lists(
    columns: Sequence[str],
    source: str,
    tests: Sequence[Match],
    also: str = "",
    order: str = "CreatedDate",
    limit: int = _CATCH,
) -> Iterator[str]:
    for condition in any_of(tests):
        yield select(columns, source, (condition, also), order=order, limit=limit)
