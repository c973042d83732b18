"""The wire shapes of an edit."""

from typing import Annotated

from pydantic import Field

from shared.domain import Change
from shared.wire import (
    EXAMPLE_ACTIVITY,
    ActivityKey,
    ActivityShape,
    Asked,
    Example,
    FieldValues,
    Operation,
    RecordKey,
)


class EditRequest(Asked):
    """What is left out or null stays as it is."""

    links: Annotated[tuple[RecordKey, ...], Field(max_length=100)] | None = Field(
        None, description="At most one for now; empty disconnects."
    )
    categories: FieldValues | None = Field(
        None, description="Fields not named stay as they are; null empties one."
    )
    contacts: Annotated[tuple[RecordKey, ...], Field(max_length=500)] | None = Field(
        None, description="The related contacts, all of them; empty leaves plain addresses."
    )

    def change(self) -> Change:
        return Change(
            links=None if self.links is None else tuple(key.ref() for key in self.links),
            categories=self.categories,
            contacts=None if self.contacts is None else tuple(key.ref() for key in self.contacts),
        )


EDIT = Operation(
    name="edit_activity",
    method="PATCH",
    route="activities/{kind}/{id}",
    summary="Change the connected record, the categories or the related contacts",
    description="All of it or nothing. The record's id may change; the answer holds the new one. "
    "What is saved by itself later goes where the record is linked to now; the notice "
    "`follow_unavailable` says that it may not.",
    path=ActivityKey,
    body=EditRequest,
    answers={200: ActivityShape},
    problems=(
        "forbidden",
        "record_not_found",
        "in_progress",
        "too_large",
        "too_many_links",
        "type_not_connectable",
    ),
    example=Example(
        body={"links": [{"type": "opportunity", "id": "3b1f6c1e-0f5a-4f0e-9c55-2b7d7f3f9a01"}]},
        answer=EXAMPLE_ACTIVITY,
    ),
)
