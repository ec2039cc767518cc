"""Caps on the number of values per site and day."""

from __future__ import annotations

import random
from collections import Counter

import msgspec

from collector.cells.cardinality import ALTERED_VISITS, Caps, CountMin, SeenValue, SiteDay
from collector.hit import OTHER, Hit, VisitValues
from tests.builders import a_hit


def small_caps() -> Caps:
    """Build caps of ten values for every dimension."""
    return Caps(lambda _: 10)


def paths(caps: Caps, *values: str) -> list[str]:
    """Return the paths that pageviews of these paths are counted under."""
    hits = (a_hit(path=value, exit_path="", visit=VisitValues()) for value in values)
    return [hit.path for hit in caps.apply(hits)]


def test_values_under_the_cap_are_left_alone() -> None:
    """Hits below the caps are returned unchanged."""
    hits = [a_hit(path=f"/{n}", exit_path=f"/{n}") for n in range(9)]

    kept = small_caps().apply(hits)

    assert [id(hit) for hit in hits] == [id(hit) for hit in kept]


def test_a_new_value_over_the_cap_is_other() -> None:
    """The eleventh path of a day is counted as "(other)"."""
    caps = small_caps()
    paths(caps, *(f"/{n}" for n in range(10)))

    assert [OTHER] == paths(caps, "/new")


def test_a_value_seen_more_often_than_the_rarest_kept_one_is_let_in() -> None:
    """A page that becomes popular in the afternoon is listed from then on."""
    caps = small_caps()
    paths(caps, *(f"/{n}" for n in range(10)))

    names = paths(caps, *["/popular"] * 5)

    assert [OTHER, "/popular"] == sorted(set(names), key=names.index)


def test_what_was_let_in_stays() -> None:
    """A kept value stays until the end of the day."""
    caps = small_caps()
    paths(caps, "/first")
    paths(caps, *(f"/{n}" for n in range(1_000)))

    assert ["/first"] == paths(caps, "/first")


def test_a_day_never_holds_more_than_twice_the_cap() -> None:
    """Repeated random paths cannot exceed twice the cap."""
    caps = small_caps()

    paths(caps, *(f"/{n}" for n in range(10)))
    names = paths(caps, *(f"/x{n}" for n in range(500) for _ in range(30)))

    assert 10 == len(set(names) - {OTHER})
    assert 20 == caps.values(1, a_hit().closes_at, "path")


def test_sites_and_days_do_not_share_a_cap() -> None:
    """A flood of values at one site affects no other site and no other day."""
    caps = small_caps()
    paths(caps, *(f"/{n}" for n in range(100)))

    elsewhere, tomorrow = caps.apply(
        [a_hit(site=2, path="/new"), a_hit(closes_at=a_hit().closes_at + 86_400, path="/new")]
    )

    assert ("/new", "/new") == (elsewhere.path, tomorrow.path)


def test_turned_hits_are_counted_once() -> None:
    """A hit with two values over their caps is one hit of reason `cap`."""
    caps = small_caps()
    caps.apply(a_hit(path=f"/{n}", search_query=f"q{n}", visit=VisitValues()) for n in range(10))
    caps.apply([a_hit(path="/new", search_query="new", visit=VisitValues())])

    turned, nothing = caps.take_capped(), caps.take_capped()

    assert ({SiteDay(1, a_hit().closes_at): 1}, {}) == (turned, nothing)


def test_an_entry_page_is_named_as_its_path_is() -> None:
    """The first page of a visit counts once as a path, not twice."""
    caps = small_caps()
    paths(caps, *(f"/{n}" for n in range(10)))

    names = [_entering(caps, f"/once/{n}") for n in range(50)]

    assert [(OTHER, OTHER)] * 50 == names


def test_later_hits_of_a_visit_repeat_what_the_first_was_counted_as() -> None:
    """A bounce is taken back from the value it was counted under, even if another is kept since."""
    caps = small_caps()
    caps.apply(_from(f"host{n}.example", f"v{n}") for n in range(10))
    (first,) = caps.apply([_from("late.example", "bob")])
    caps.apply(_from("late.example", f"w{n}") for n in range(5))

    (second,) = caps.apply([_from("late.example", "bob", visits=0, bounces=-1)])

    assert (OTHER, OTHER) == (first.visit.referrer, second.visit.referrer)


def test_a_new_visit_is_decided_anew() -> None:
    """The values of a visitor's earlier visit have no effect on the next one."""
    caps = small_caps()
    caps.apply(_from(f"host{n}.example", f"v{n}") for n in range(10))
    caps.apply([_from("late.example", "bob")])
    caps.apply(_from("late.example", f"w{n}") for n in range(5))

    (again,) = caps.apply([_from("late.example", "bob")])

    assert "late.example" == again.visit.referrer


def test_an_exit_page_that_was_other_is_left_as_other() -> None:
    """The −1 of a left page cancels its +1, even if the page is kept since."""
    caps = small_caps()
    paths(caps, *(f"/{n}" for n in range(10)))
    (first,) = caps.apply([a_hit(path="/late", exit_path="/late", pseudonym=b"b" * 16)])
    paths(caps, *["/late"] * 5)

    (second,) = caps.apply(
        [a_hit(path="/0", exit_path="/0", left_path="/late", visits=0, pseudonym=b"b" * 16)]
    )

    assert (OTHER, OTHER, "/0") == (first.exit_path, second.left_path, second.exit_path)


def test_moves_of_exit_pages_sum_to_the_visits() -> None:
    """Whatever is capped, no value ends with a negative count."""
    choose = random.Random(5)
    caps = small_caps()
    count: Counter[str] = Counter()
    last: dict[int, str] = {}

    for _ in range(5_000):
        visitor = choose.randint(0, 300)
        path = f"/{int(choose.paretovariate(0.7)) % 200}"
        (hit,) = caps.apply(
            [
                a_hit(
                    pseudonym=visitor.to_bytes(16, "little"),
                    path=path,
                    exit_path=path,
                    left_path=last.get(visitor, ""),
                    visits=int(visitor not in last),
                )
            ]
        )
        last[visitor] = path
        count[hit.exit_path] += 1
        count[hit.left_path] -= bool(hit.left_path)

    assert sum(count.values()) == len(last)
    assert [] == [path for path, visits in count.items() if visits < 0]


def test_properties_over_the_cap_keep_their_name() -> None:
    """`id=123` becomes `id=(other)`, and with too many names "(other)"."""
    caps = small_caps()
    caps.apply(a_hit(properties=(f"id={n}",)) for n in range(10))

    (hit,) = caps.apply([a_hit(properties=("id=new", "id=0"))])
    caps.apply(a_hit(properties=(f"name{n}=x",)) for n in range(30))
    (strange,) = caps.apply([a_hit(properties=("strange=x",))])

    assert (f"id={OTHER}", "id=0") == hit.properties
    assert (OTHER,) == strange.properties


def test_recalled_values_are_kept_after_a_restart() -> None:
    """A restarted process keeps the values that the store holds."""
    caps = small_caps()
    caps.restore(SeenValue(1, a_hit().closes_at, "path", f"/{n}", 7) for n in range(10))

    assert ["/3", OTHER] == paths(caps, "/3", "/new")


def test_forgetting_a_day_frees_its_values() -> None:
    """A sealed day takes no memory."""
    caps = small_caps()
    paths(caps, *(f"/{n}" for n in range(100)))

    caps.forget(a_hit().closes_at)

    assert ["/new"] == paths(caps, "/new")


def test_visitors_are_forgotten_with_their_day_and_their_site() -> None:
    """No pseudonym of a sealed day or a removed site is remembered."""
    caps, later = small_caps(), a_hit().closes_at + 86_400
    days = [(1, a_hit().closes_at), (1, later), (2, later)]
    for site, closes_at in days:
        pages = [*(f"/{n}" for n in range(10)), "/new"]
        caps.apply(
            a_hit(site=site, closes_at=closes_at, path=page, exit_path=page) for page in pages
        )
    remembered = [len(caps._altered)]

    caps.forget(days[0][1])
    remembered.append(len(caps._altered))
    caps.forget_site(2)
    remembered.append(len(caps._altered))

    assert [3, 2, 1] == remembered


def test_a_flood_of_random_values_is_bounded_and_loses_no_hit() -> None:
    """During a flood of random values the real pages keep exact counts."""
    choose = random.Random(3)
    caps = Caps()
    real = [f"/real/{n}" for n in range(50)]
    caps.apply(a_hit(path=path) for path in real)
    flood = (
        a_hit(
            path=choose.choice(real) if n % 10 == 0 else f"/{choose.random()}",
            properties=(f"p={n}",),
            pseudonym=n.to_bytes(16, "little"),
            visit=msgspec.structs.replace(a_hit().visit, referrer=f"r{n}.example"),
        )
        for n in range(100_000)
    )

    counted = Counter(hit.path for hit in caps.apply(flood))

    assert 100_000 == counted.total()
    assert 10_000 == sum(counted[path] for path in real)
    assert len(counted) <= 10_001
    assert len(caps._altered) <= ALTERED_VISITS


def test_estimates_are_never_too_low_and_rarely_too_high() -> None:
    """The count-min sketch never underestimates."""
    choose = random.Random(2)
    sketch = CountMin()
    truth: Counter[str] = Counter()
    off = 0

    for _ in range(20_000):
        value = str(int(choose.paretovariate(0.8)))
        truth[value] += 1
        estimate = sketch.add(value)
        assert estimate >= truth[value]
        off += estimate > truth[value] + 10

    assert off < 200


def _from(referrer: str, visitor: str, **changes: object) -> Hit:
    visit = msgspec.structs.replace(a_hit().visit, referrer=referrer)
    return a_hit(visit=visit, pseudonym=visitor.encode().ljust(16, b"."), **changes)


def _entering(caps: Caps, path: str) -> tuple[str, str]:
    visit = msgspec.structs.replace(a_hit().visit, entry_path=path)
    (hit,) = caps.apply([a_hit(path=path, exit_path=path, visit=visit, pseudonym=path.encode())])
    return hit.path, hit.visit.entry_path
