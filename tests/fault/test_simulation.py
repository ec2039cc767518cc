"""Hundreds of random stories of faults beneath the real spool, delivery and sealing."""

from __future__ import annotations

import os
from pathlib import Path

from tests.fault.simulated import World

STORIES = int(os.environ.get("FOOTFALL_TEST_STORIES", "200"))
FIRST_SEED = int(os.environ.get("FOOTFALL_TEST_SEED", "0"))
STEPS = 40


def test_no_story_loses_doubles_or_unbalances(tmp_path: Path) -> None:
    """Whatever fails and whenever, acknowledged hits are counted once and no cell is negative.

    A failure names its seed: FOOTFALL_TEST_SEED=n FOOTFALL_TEST_STORIES=1 tells it again.
    """
    wrong: dict[int, list[str]] = {}
    acknowledged = refused = lives = sealed = 0

    for seed in range(FIRST_SEED, FIRST_SEED + STORIES):
        folder = tmp_path / str(seed)
        folder.mkdir()
        world = World(seed, folder)
        world.run(STEPS)
        acknowledged += len(world.acknowledged)
        refused += len(world.refused)
        lives += world.lives
        sealed += len(world.server.seals)
        if found := world.verdict():
            wrong[seed] = found

    assert {} == wrong
    assert acknowledged > STORIES
    assert STORIES < 10 or (refused > 10 and min(lives, sealed) > STORIES / 2)
