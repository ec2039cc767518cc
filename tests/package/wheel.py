"""Build the wheel, install it into an empty environment, and serve from an empty folder.

`python -m tests.package.wheel`, or `make test-package`. Dependencies are installed as locked.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.service import Service

ROOT = Path(__file__).parents[2]
LOCKED = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "-r", "requirements/base.txt")


def installed(folder: Path) -> Path:
    """Build the wheel and install it; return the new environment's `bin`."""
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    _run(*pip, "--wheel-dir", str(folder), ".")
    wheel = next(folder.glob("footfall-*.whl"))
    print(f"built {wheel.name}: {wheel.stat().st_size // 1024} KiB")
    _run(sys.executable, "-m", "venv", str(folder / "venv"))
    scripts = folder / "venv" / "bin"
    _run(str(scripts / "pip"), "install", "--quiet", *LOCKED)
    _run(str(scripts / "pip"), "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    return scripts


def _run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)


def serves(command: Path, folder: Path) -> None:
    """Serve from an empty folder with the defaults, and see one hit counted."""
    folder.mkdir()
    os.chdir(folder)
    service = Service(folder, options=("--demo",), command=(str(command),))
    service.start()
    for path in ("/healthz", "/js/footfall.js", "/demo", "/localhost", "/opt-out"):
        assert service.get(path).status == 200, path
    assert service.hit("/").status == 202
    service.wait_for(1, lambda: service.aggregate()["pageviews"])
    assert service.stop() == 0


def main() -> None:
    """Build, install, serve."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        serves(installed(folder) / "footfall", folder / "empty")
    print("the wheel serves from an empty folder, counts a hit, and stops with 0")


if __name__ == "__main__":
    main()
