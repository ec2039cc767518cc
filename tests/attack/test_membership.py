"""R-15: an attacker with the disk after sealing cannot tell whether a visitor was there.

The attacker knows the target's address and user agent, and so their country,
browser, system and device: the lists with a threshold of one visitor. Half of
forty thousand people were there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from collector.cells import schema
from collector.cells.client import Store
from collector.cells.views import TOTAL, Grain
from collector.hit import NONE
from collector.privacy.pseudonym import pseudonym
from tests.attack.linkage import windows_of
from tests.attack.population import Visitor, invent, secret
from tests.builders import a_site
from tests.integration.closing import CLOSES_AT, closing, deliver, of_view, sealed

Windows = npt.NDArray[np.uint64]
EACH = 20_000
RARE = 10
ALWAYS_LISTED = ("country", "browser", "os", "device")
DAY_BEGAN = CLOSES_AT - 86_400


@pytest.fixture(scope="module")
def people() -> list[Visitor]:
    """Generate forty thousand people from one distribution; the even ones were there."""
    return invent(2 * EACH, seed=2)


def were_there(store: Store, people: list[Visitor]) -> None:
    """Deliver the hits of every second one."""
    hits = [hit for one in people[::2] for hit in one.hits(secret())]
    for start in range(0, len(hits), 5_000):
        deliver(store, hits[start : start + 5_000])


def test_sealed_numbers_do_not_tell_who_was_there(
    store: Store, people: list[Visitor], tmp_path: Path
) -> None:
    """The best guess from sealed cells has an advantage of at most 2 %."""
    were_there(store, people)
    with closing(store, tmp_path, a_site(), known={"source": ["Google", NONE]}) as days:
        days.sealer.run_once()
    cells = sealed(store)
    listed = {name: of_view(cells, name).keys() for name in ALWAYS_LISTED}
    spread = Counter(one.values.country for one in people[::2])

    def guess(one: Visitor) -> bool:
        # The values of those present are listed; those of others only if somebody else had them.
        return all(getattr(one.values, name) in listed[name] for name in ALWAYS_LISTED)

    rare = [one for one in people if spread[one.values.country] < RARE]
    print(f"advantage of membership guessing: {advantage(people, people, guess):.4f}")
    print(f"of {len(rare)} in countries of fewer than {RARE}: {advantage(people, rare, guess):.4f}")
    assert abs(advantage(people, people, guess)) <= 0.02


def test_a_sealed_disk_holds_no_tag_even_of_a_known_secret(
    store: Store, people: list[Visitor], tmp_path: Path
) -> None:
    """After sealing, a stolen day secret reveals nobody, and the attack is a real one.

    The control: while the day is open, the disk and the secret reveal nearly everybody; a guessed
    secret reveals nobody.
    """
    were_there(store, people)
    tags, strangers = tags_of(store, people), tags_of(store, people, guessed=secret(9))
    disk = image(store.path)
    with_secret, without = on(disk, tags), on(disk, strangers)

    with closing(store, tmp_path, a_site()) as days:
        days.sealer.run_once()
    after = on(image(store.path), tags)

    assert rate(with_secret[::2]) - rate(with_secret[1::2]) > 0.9
    assert abs(rate(without[::2]) - rate(without[1::2])) <= 0.02
    assert 0 == sum(after)


def advantage(
    people: list[Visitor], targets: Iterable[Visitor], guess: Callable[[Visitor], bool]
) -> float:
    """Return how much more often those present are guessed to be there than those absent."""
    present = {id(one) for one in people[::2]}
    guesses: dict[bool, list[bool]] = {True: [], False: []}
    for one in targets:
        guesses[id(one) in present].append(guess(one))
    return rate(guesses[True]) - rate(guesses[False])


def rate(guesses: list[bool]) -> float:
    """Return the share of positive guesses."""
    return sum(guesses) / max(1, len(guesses))


def tags_of(store: Store, people: list[Visitor], guessed: bytes = secret()) -> list[int]:
    """Compute the tag of each person in the cell of their hour, as the store writes it."""
    state = schema.SKETCH.replace("(", "State(")
    number = f"toUInt64({TOTAL.id << 48 | int(Grain.HOUR) << 40}) + k.3"
    cell = f"concat('\\0', reinterpretAsFixedString({number}))"
    tags = []
    for start in range(0, len(people), 2_000):
        some = people[start : start + 2_000]
        keys = [pseudonym(guessed, one.network, one.user_agent) for one in some]
        rows = store.query(
            f"SELECT hex({state}(sipHash64Keyed((k.1, k.2), {cell}))) FROM (SELECT number, "
            "arrayZip({first:Array(UInt64)}, {second:Array(UInt64)}, {hours:Array(UInt32)})"
            "[number + 1] AS k FROM numbers({count:UInt64})) GROUP BY number ORDER BY number",
            {
                "first": [int.from_bytes(key[:8], "little") for key in keys],
                "second": [int.from_bytes(key[8:], "little") for key in keys],
                "hours": [DAY_BEGAN + one.hour * 3_600 for one in some],
                "count": len(some),
            },
        )
        tags += [int.from_bytes(bytes.fromhex(row[0])[-8:], "little") for row in rows]
    return tags


def on(disk: Windows, tags: list[int]) -> list[bool]:
    """Return which tags are on the disk."""
    wanted = np.sort(np.array(tags, np.uint64))
    places = np.searchsorted(wanted, disk).clip(0, len(wanted) - 1)
    there = set(np.unique(disk[wanted[places] == disk]).tolist())
    return [tag in there for tag in tags]


def image(folder: Path) -> Windows:
    """Read every 8-byte string of every file; random tags are not changed by compression."""
    files = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    return np.concatenate([windows_of(content) for content in files])
