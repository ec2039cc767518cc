"""Record a spool as this version writes it, for later versions to read.

`PYTHONPATH=. python tests/fault/record_spool.py FOLDER`. Beside the spool and its keys it
leaves `hits.json`: every hit that was acknowledged, by name of field. So
tests/vectors/spool-format-1 was made.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec

from collector.ingest.visits import Visits
from tests.fault.traffic import NOON, invented
from tests.spooling import a_spool, append
from tests.unit.test_visits import an_arrival


def main(folder: Path) -> None:
    """Append hits of three days, save a visit, and close as a clean stop does."""
    folder.mkdir(parents=True)
    hits = invented(12)
    visits = Visits()
    visits.record(an_arrival())
    with a_spool(folder) as spool:
        assert all(append(spool, hits))
        spool.save_visits(visits.dump(NOON))
    named = [{name: getattr(hit, name) for name in hit.__struct_fields__} for hit in hits]
    text = json.dumps(msgspec.to_builtins(named), indent=1)
    (folder / "hits.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
