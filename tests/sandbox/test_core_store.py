"""The store: all or nothing, in order, and still there for the next process."""

from pathlib import Path

import pytest

from sandbox.store import Store


def test_rows_come_back_in_the_order_of_their_first_insertion(tmp_path: Path) -> None:
    store = Store(tmp_path / "rows.db")
    with store.transaction():
        for name in ("b", "a", "c"):
            store.put("graph", "messages", name, {"n": name})
    store.put("graph", "messages", "b", {"n": "b again"})
    again = Store(tmp_path / "rows.db")
    expected = [{"n": "b again"}, {"n": "a"}, {"n": "c"}]
    assert store.all("graph", "messages") == expected
    assert again.all("graph", "messages") == expected


@pytest.mark.parametrize("kept", [True, False], ids=["file", "memory"])
def test_a_failed_transaction_leaves_nothing(tmp_path: Path, kept: bool) -> None:
    path = tmp_path / "rows.db" if kept else None
    store = Store(path)
    store.put("graph", "messages", "old", {"n": 1})

    def fail_halfway() -> None:
        with store.transaction():
            store.put("graph", "messages", "new", {"n": 2})
            store.delete("graph", "messages", "old")
            with store.transaction():
                store.put("graph", "messages", "old", {"n": 3})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert store.all("graph", "messages") == [{"n": 1}]
    if path:
        assert Store(path).all("graph", "messages") == [{"n": 1}]


def test_clear_empties_one_service_only(tmp_path: Path) -> None:
    store = Store(tmp_path / "rows.db")
    store.put("graph", "messages", "a", {})
    store.put("entra", "keys", "a", {})
    store.clear("graph")
    assert store.empty("graph")
    assert not Store(tmp_path / "rows.db").empty("entra")
    assert Store(tmp_path / "rows.db").empty("graph")


def test_a_nested_transaction_that_fails_leaves_the_outer_one_alone() -> None:
    store = Store(None)

    def fail() -> None:
        with store.transaction():
            store.put("s", "t", "1", {"kept": False})
            store.put("s", "t", "2", {})
            raise KeyError

    with store.transaction():
        store.put("s", "t", "1", {"kept": True})
        with pytest.raises(KeyError):
            fail()
        store.put("s", "t", "3", {})
    assert store.items("s", "t") == [("1", {"kept": True}), ("3", {})]
