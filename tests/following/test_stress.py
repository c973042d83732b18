"""Thousands of notifications, some told twice, late or never, to workers that are killed while the
CRM comes and goes: at the end there is exactly what should be there."""

import time
from dataclasses import dataclass
from random import Random

import pytest

from shared.following import digest
from shared.notifications import QUEUE
from tests.following.running_app import ANNA, App
from tests.following.storm import Sizes, Storm
from tests.sandbox.host.host_process import wait_until

pytestmark = pytest.mark.long

SEED = 20_260
_AWAY = 4.0
"""Seconds."""

LARGE = Sizes(
    threads=12, answers=240, own_answers=60, unwanted=160, unrelated=120, notifications=5_000
)
SMALL = Sizes(threads=6, answers=60, own_answers=15, unwanted=40, unrelated=60, notifications=600)
"""The same for the other CRM: what lies before the CRM was all tried with the first."""


@dataclass
class Trouble:
    """What befalls the hosts and the CRM while there is work on the queue."""

    app: App
    chance: Random
    kills: int = 0

    def kill(self) -> None:
        """One host, or both at once; new ones take their places."""
        chosen = self.chance.choice(([0], [1], [0, 1]))
        self._wait_for_work()
        for number in chosen:
            self.app.kill(number)
        self.kills += 1
        time.sleep(self.chance.uniform(0, 0.5))
        for number in chosen:
            self.app.start(number, wait=False)
        self.app.wait_for_hosts()

    def take_crm_away(self) -> None:
        self._wait_for_work()
        self.app.sandbox.fault(service=self.app.crm, status=503)
        time.sleep(_AWAY)
        self.app.sandbox.clear_faults()

    def _wait_for_work(self) -> None:
        wait_until(lambda: self.app.waiting(QUEUE))


@pytest.mark.parametrize(
    ("app", "sizes", "kills"),
    [("dataverse", LARGE, 6), ("salesforce", SMALL, 2)],
    indirect=["app"],
    ids=["dataverse-5000", "salesforce-600"],
)
def test_none_is_lost_and_none_is_there_twice(app: App, sizes: Sizes, kills: int) -> None:
    print(f"seed {SEED}")
    storm = Storm(app.sandbox, sizes, Random(SEED))
    before = set(app.emails())
    with app.running(hosts=2):
        storm.begin(app)
        app.settle()
        followed = set(app.emails()) - before
        assert len(followed) == sizes.threads
        app.sandbox.make_mischief(drop=0.02, duplicate=0.1, reorder=0.1, seed=SEED, backoff=0.2)
        trouble = Trouble(app, Random(SEED))
        every = sizes.deeds // (kills + 1)
        for number, _ in enumerate(storm.blow(), 1):
            if number % every == 0 and trouble.kills < kills:
                trouble.kill()
        trouble.take_crm_away()
        backlog = app.waiting(QUEUE)
        for left in (0.6, 0.2):
            wait_until(lambda left=left: app.waiting(QUEUE) <= left * backlog, 400)
            trouble.kill()
        app.settle(400)
        told = app.sandbox.notifications()
        assert told["sent"] + told["dropped"] >= sizes.notifications
        assert told["failed"] == 0
        share = sizes.notifications / 100
        assert told["dropped"] > share
        assert min(told["duplicated"], told["reordered"]) > 8 * share

        app.sandbox.make_mischief()
        app.run_timer()
        app.settle()
        found = set(app.emails()) - before - followed
        assert found == storm.wanted
        assert not found & storm.unwanted
        reasons = app.origins()
        assert {reasons.get(digest(f"email:{id_}")) for id_ in found} == {"followed_thread"}
        assert app.waiting(f"{QUEUE}-poison") == 0
        assert app.call("GET", "health", ANNA).status_code == 200
