"""Change the declared views between two starts, with data present."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from collector.cells import fan_out, folding_sql, sealing, view_history
from collector.cells.client import Store
from collector.cells.views import TOTAL, VIEW_BY_DIMENSIONS, VIEWS, View
from collector.errors import SchemaMismatch
from collector.registry.sites import Sites
from tests.builders import FakeClock, a_site
from tests.integration.closing import AFTER, CLOSES_AT, deliver, of_view, sealed, still_open
from tests.integration.seeding import hit

COUNTRY = VIEW_BY_DIMENSIONS[frozenset(("country",))]
Declare = Callable[..., None]


@pytest.fixture
def declare(monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Give a way to be another version, which declares other views."""

    def declare(*views: View) -> None:
        for module in (fan_out, folding_sql, view_history):
            monkeypatch.setattr(module, "VIEWS", views)

    return declare


def started(folder: Path) -> Store:
    """Start the service on a folder, as far as the store goes."""
    store = Store(folder / "clickhouse")
    store.prepare()
    view_history.record_views(store, FakeClock(AFTER))
    return store


def test_a_new_view_counts_from_the_next_start_on(tmp_path: Path, declare: Declare) -> None:
    """Its cells begin with the hits after the start; the others go on."""
    declare(TOTAL)
    store = started(tmp_path)
    deliver(store, [hit("a", "2026-11-20 10:00")])
    store.close()

    declare(*VIEWS)
    store = started(tmp_path)
    deliver(store, [hit("b", "2026-11-20 10:01")])
    cells = still_open(store)
    store.close()

    assert {"": 2} == {value: cell.visitors for value, cell in of_view(cells).items()}
    assert {"FR": 1} == {value: cell.visitors for value, cell in of_view(cells, "country").items()}


def test_the_store_knows_since_when_a_view_is_kept(tmp_path: Path, declare: Declare) -> None:
    """Views of the first start were always there; later ones from the start that added them."""
    declare(TOTAL)
    store = started(tmp_path)
    deliver(store, [hit("a", "2026-11-20 10:00")])
    store.close()

    declare(TOTAL, COUNTRY)
    store = started(tmp_path)
    began = view_history.views_began(store)
    store.close()

    assert {TOTAL.id: view_history.ALWAYS, COUNTRY.id: int(AFTER)} == began


def test_a_second_start_changes_nothing(tmp_path: Path) -> None:
    """What was noted once stays."""
    store = started(tmp_path)
    first = view_history.views_began(store)
    deliver(store, [hit("a", "2026-11-20 10:00")])
    view_history.record_views(store, FakeClock(AFTER + 90_000))

    again = view_history.views_began(store)
    store.close()

    assert first == again
    assert {view.id for view in VIEWS} == first.keys()


def test_cells_of_an_ended_view_die_with_their_day(tmp_path: Path, declare: Declare) -> None:
    """No threshold is known for them, so nothing of them is sealed; what was sealed stays."""
    store = started(tmp_path)
    deliver(store, [hit("a", "2026-11-20 10:00", country="IS")])
    store.close()

    declare(TOTAL)
    store = started(tmp_path)
    sealing.write_chunk(store, CLOSES_AT, [1], Sites([a_site()]), {})
    cells = sealed(store)
    store.close()

    assert cells
    assert {TOTAL.id} == {cell.view for cell in cells}


def test_an_id_is_never_given_to_another_view(tmp_path: Path, declare: Declare) -> None:
    """Else the cells of the old one would be read as those of the new."""
    started(tmp_path).close()

    declare(TOTAL, View(COUNTRY.id, ("device",)))

    with pytest.raises(SchemaMismatch, match="was country and is now device"):
        started(tmp_path)


def test_a_renamed_view_keeps_its_cells_and_its_beginning(
    tmp_path: Path, declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rename is declared, and nothing is counted anew."""
    store = started(tmp_path)
    store.close()
    declare(TOTAL, View(COUNTRY.id, ("device",)))
    monkeypatch.setitem(view_history.RENAMED, COUNTRY.id, ("country",))

    store = started(tmp_path)
    began = view_history.views_began(store)
    names: dict[int, str] = dict(store.query("SELECT view, name FROM views_begun FINAL"))
    store.close()

    assert (view_history.ALWAYS, "device") == (began[COUNTRY.id], names[COUNTRY.id])


def test_an_older_store_of_which_nothing_was_noted_is_told_whole(tmp_path: Path) -> None:
    """It has cells from before views were noted: they are not called unknown."""
    store = Store(tmp_path / "clickhouse")
    store.prepare()
    deliver(store, [hit("a", "2026-11-20 10:00")])

    view_history.record_views(store, FakeClock(AFTER))
    began = view_history.views_began(store)
    store.close()

    assert {view_history.ALWAYS} == set(began.values())


def test_a_view_that_comes_back_begins_anew(tmp_path: Path, declare: Declare) -> None:
    """As after a downgrade and an upgrade: what came between was not counted."""
    store = started(tmp_path)
    deliver(store, [hit("a", "2026-11-20 10:00")])
    store.close()
    declare(TOTAL)
    store = started(tmp_path)
    ended = view_history.views_began(store)
    store.close()

    declare(TOTAL, COUNTRY)
    store = started(tmp_path)
    began = view_history.views_began(store)
    store.close()

    assert (view_history.ENDED, view_history.ALWAYS) == (ended[COUNTRY.id], ended[TOTAL.id])
    assert (int(AFTER), view_history.ALWAYS) == (began[COUNTRY.id], began[TOTAL.id])


def test_an_older_stores_dates_become_instants(tmp_path: Path) -> None:
    """A store that noted the day a view began knows it still."""
    store = started(tmp_path)
    store.command("ALTER TABLE views_begun MODIFY COLUMN began Date")
    store.command("INSERT INTO views_begun VALUES (25, 'country', '2026-11-21')")

    store.prepare()
    began = view_history.views_began(store)
    store.close()

    assert (CLOSES_AT, view_history.ALWAYS) == (began[COUNTRY.id], began[TOTAL.id])
