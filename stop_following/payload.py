"""The wire shapes of stopping to follow."""

from typing import Literal

from shared.wire import Answered, Example, ItemQuery, Operation


class StoppedShape(Answered):
    following: Literal[False] = False


STOP = Operation(
    name="stop_following",
    method="DELETE",
    route="following",
    summary="Stop saving what happens next",
    description="Of an e-mail, later replies of its conversation; of a meeting, its changes; of a "
    "series, those of all its meetings and new ones; of a draft that waits to be sent, the save "
    "itself, whose receipt then fails. What is saved stays. Whoever can read the item in that "
    "mailbox may stop it there, whoever began it; other mailboxes go on. Again changes nothing. A "
    "save with `follow: true` begins again.",
    query=ItemQuery,
    answers={200: StoppedShape},
    problems=("forbidden", "item_not_found", "in_progress"),
    example=Example(answer={"following": False}),
)
