"""What the directory knows of a person, for an app that acts without them.

https://learn.microsoft.com/en-us/graph/api/user-get takes the application permission User.Read.All.
"""

from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote

from shared.errors import Forbidden, Upstream
from shared.outbound import Call, Errand, Sender, retry_after
from shared.outlook.failures import failure, parsed, parsed_if_json


async def user_principal_name(
    sender: Sender, errand: Errand, root: str, token: str, oid: str
) -> str:
    """The sign-in name of the user with that object id.

    Raises `Forbidden` for somebody who is no user of the organisation any more, and what Graph's
    other refusals mean.
    """
    call = Call(
        "GET",
        f"{root.rstrip('/')}/users/{quote(oid, safe='')}?$select=userPrincipalName",
        headers={"Authorization": f"Bearer {token}"},
        repeatable=True,  # it changes nothing
    )
    answer = await sender.send(call, errand)
    if answer.status == HTTPStatus.NOT_FOUND:
        raise Forbidden("Your organisation does not know you any more.")
    if answer.status != HTTPStatus.OK:
        wait = retry_after(answer.headers, datetime.now(UTC))
        raise failure(answer.status, parsed_if_json(answer.content), wait)
    content = parsed(answer.content)
    name = content.get("userPrincipalName") if isinstance(content, dict) else None
    if not isinstance(name, str):
        raise Upstream("Outlook's directory did not tell a sign-in name.")
    return name
