"""The wire shapes of a find."""

from shared.wire import EXAMPLE_ACTIVITY, ActivityShape, Example, ItemQuery, Operation

FIND = Operation(
    name="find_activity",
    method="GET",
    route="activities",
    summary="Is this item saved, by whom, and linked to what",
    description="Asks the CRM, so the answer is the same for everyone who may see the record, "
    "whichever tool saved it. Of a whole series it is the next meeting's record. Notices say "
    "whether it is followed from this mailbox (`following`) and how the record came to be "
    "(`followed_thread`, `draft_sent`, `conversation`, `series`, `shared_mailbox`).",
    query=ItemQuery,
    answers={200: ActivityShape},
    problems=("forbidden", "not_saved", "item_not_found"),
    example=Example(answer=EXAMPLE_ACTIVITY),
)
