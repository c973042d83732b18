"""How many calls this worker has under way in one mailbox.

Graph takes 4 at a time of one app in one mailbox, and refuses more with 429 and a wait of seconds
(https://learn.microsoft.com/en-us/graph/throttling-limits#outlook-service-limits). A queue's worker
does a dozen messages at a time, after an outage most of them of one busy mailbox. Other workers are
not known here: what they add is refused by Graph, and waited out.
"""

import asyncio
from weakref import WeakValueDictionary

AT_ONCE = 4


class Places:
    """One for each worker. A mailbox's places are kept for as long as anybody has them."""

    def __init__(self) -> None:
        self._by_mailbox: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, mailbox: str) -> asyncio.Semaphore:
        found = self._by_mailbox.get(mailbox)
        if found is None:
            found = self._by_mailbox[mailbox] = asyncio.Semaphore(AT_ONCE)
        return found
