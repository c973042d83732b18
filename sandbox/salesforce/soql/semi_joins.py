"""What a query inside IN (…) may not be.

SOQL and SOSL Reference, "Comparison Operators", "Considerations for semi-joins and anti-joins".
"""

from collections.abc import Iterator

from sandbox.salesforce import errors
from sandbox.salesforce.schema.model import Object
from sandbox.salesforce.soql.model import Condition, In, Junction, Not, Query

MOST = 2
_NEVER_INSIDE = frozenset(("event", "task", "note", "attachment"))


def check_semi_joins(object_: Object, where: Condition | None) -> None:
    """Raises Refused (MALFORMED_QUERY)."""
    top = where.terms if isinstance(where, Junction) and where.every else (where,)
    if any(_inner(deeper) for term in top for deeper in _below(term)):
        raise errors.malformed_query(
            "Semi join sub-selects are only allowed at the top level WHERE expressions and not in "
            "nested WHERE expressions."
        )
    joins = [(term, query) for term in top if isinstance(term, In) and (query := _inner(term))]
    if len(joins) > MOST:
        raise errors.malformed_query(f"maximum {MOST} semi join sub-selects are allowed")
    for join, query in joins:
        _check(object_, join, query)


def _check(object_: Object, join: In, query: Query) -> None:
    inner = query.source.lower()
    if len(join.path) > 1:
        raise errors.malformed_query("The left operand of a semi join can't use a relationship")
    if inner in _NEVER_INSIDE:
        raise errors.malformed_query(f"Entity '{query.source}' is not supported for semi join")
    if inner == object_.name.lower():
        raise errors.malformed_query(
            "The inner and outer selects should not be on the same object type"
        )
    if any(_inner(one) for one in (query.where, *_below(query.where))):
        raise errors.malformed_query("Nesting of semi join sub-selects is not supported")


def _inner(condition: Condition | None) -> Query | None:
    """The query inside IN (…)."""
    values = condition.values if isinstance(condition, In) else None
    return values if isinstance(values, Query) else None


def _below(condition: Condition | None) -> Iterator[Condition]:
    match condition:
        case Junction(terms, _):
            for term in terms:
                yield term
                yield from _below(term)
        case Not(term):
            yield term
            yield from _below(term)
