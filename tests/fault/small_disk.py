"""Fill a disk of two megabytes under a spool, free it, and tell what was acknowledged.

`unshare -rm python -m tests.fault.small_disk FOLDER`, for it mounts that disk.
Prints one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.fault.traffic import invented
from tests.spooling import a_spool, append, waiting


def main(folder: Path) -> None:
    """Append until the disk is full, and again once there is room."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], check=True)
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    acknowledged, refused = list[str](), list[str]()
    with a_spool(folder) as spool:
        for seed in range(60):
            for hit, taken in zip(hits := invented(100, seed), append(spool, hits), strict=True):
                (acknowledged if taken else refused).append(hit.path)
        problem = str(spool.failure)
        ballast.unlink()
        again = [False]
        while not all(again):
            again = append(spool, invented(1, 1000))
        acknowledged += [hit.path for hit in invented(1, 1000)]
        there = [hit.path for hit in waiting(spool)]
    print(
        json.dumps(
            {
                "acknowledged": len(acknowledged),
                "refused": len(refused),
                "problem": problem,
                "lost": sorted(set(acknowledged) - set(there)),
                "doubled": len(there) - len(set(there)),
                "kept though refused": sorted(set(refused) & set(there)),
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
