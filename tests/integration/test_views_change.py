"""Change the declared views between two starts of a store with data."""

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
    """Return a function that declares other views, as another version would."""

    def declare(*views: View) -> None:
        for module in (fan_out, folding_sql, view_history):
            monkeypatch.setattr(module, "VIEWS", views)

    return declare


def started(folder: Path) -> Store:
    """Open and prepare the store in a folder, as the service does at startup."""
    store = Store(folder / "clickhouse")
    store.prepare()
    view_history.record_views(store, FakeClock(AFTER))
    return store


def test_a_new_view_counts_from_the_next_start_on(tmp_path: Path, declare: Declare) -> None:
    """Its cells begin with the hits after the start; other views are unaffected."""
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
    """Views of the first start count as always kept; later ones from the start that added them."""
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
    """A view's recorded beginning stays."""
    store = started(tmp_path)
    first = view_history.views_began(store)
    deliver(store, [hit("a", "2026-11-20 10:00")])
    view_history.record_views(store, FakeClock(AFTER + 90_000))

    again = view_history.views_began(store)
    store.close()

    assert first == again
    assert {view.id for view in VIEWS} == first.keys()


def test_cells_of_an_ended_view_die_with_their_day(tmp_path: Path, declare: Declare) -> None:
    """No threshold is known for them, so they are not sealed; sealed cells of the view stay."""
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
    """The old view's cells would be read as those of the new one."""
    started(tmp_path).close()

    declare(TOTAL, View(COUNTRY.id, ("device",)))

    with pytest.raises(SchemaMismatch, match="was country and is now device"):
        started(tmp_path)


def test_a_view_that_comes_back_begins_anew(tmp_path: Path, declare: Declare) -> None:
    """After a downgrade and an upgrade: the time in between was not counted."""
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
