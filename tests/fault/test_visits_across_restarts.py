"""Visits go on across a clean stop; kill -9 may split them, and nothing else."""

from __future__ import annotations

from pathlib import Path

from tests.service import Service

METRICS = "visitors,visits,pageviews,bounce_rate"


def test_a_clean_stop_keeps_a_visit_whole_and_a_kill_splits_it(tmp_path: Path) -> None:
    """One visitor throughout: one visit across a stop, a second one after kill -9, no hit lost."""
    service = Service(tmp_path / "data")

    service.start()
    service.hit("/a")
    assert 0 == service.stop()
    service.start()
    service.hit("/b")
    whole = {"visitors": 1, "visits": 1, "pageviews": 2, "bounce_rate": 0}
    service.wait_for(whole, lambda: service.aggregate(metrics=METRICS))
    service.kill()
    service.start()
    service.hit("/c")

    split = {"visitors": 1, "visits": 2, "pageviews": 3, "bounce_rate": 50}
    service.wait_for(split, lambda: service.aggregate(metrics=METRICS))
    assert 0 == service.stop()
