"""Run the service as docker/Dockerfile describes it, in a root of its own, without Docker.

A shell in a mount namespace builds the root: an overlay of this machine's, read-only
like the container's, with the volume, fresh tmpfs and the environment of the image,
and its user. Needs root, for it mounts.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.service import Service

REPOSITORY = Path(__file__).parents[2]
UID = 10001
_ROOT = """
set -eu
root=$1; volume=$2; code=$3; shift 3
mount -t tmpfs none "$root"
mkdir "$root/upper" "$root/work" "$root/root"
mount -t overlay none -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/root"
cd "$root/root"
mkdir -p data run/footfall app
chmod a+rx root 2> /dev/null || true
mount --bind "$volume" data
mount --bind "$code" app
mount -t tmpfs -o mode=0700,uid=UID,gid=UID,size=16m none run/footfall
mount -t tmpfs -o mode=1777,size=64m none tmp
mount --rbind /proc proc
mount --rbind /dev dev
mount -o remount,ro "$root/root"
exec chroot . "$@"
"""


def environment() -> dict[str, str]:
    """Read what the image's last stage sets for the service."""
    text = (REPOSITORY / "docker" / "Dockerfile").read_text()
    return dict(re.findall(r"(FOOTFALL_\w+)=(\S+)", text))


class Container(Service):
    """`footfall serve` in such a root; its data directory is the volume, which outlives it."""

    def start(self, *, wait: bool = True) -> Container:
        """Make a new container on the volume."""
        if not self.data_dir.exists():
            self.prepare()
            for path in (self.data_dir, *self.data_dir.rglob("*")):
                os.chown(path, UID, -1)
        place = self.data_dir.parent / "root"
        place.mkdir(exist_ok=True)
        command = [
            *("unshare", "--mount", "sh", "-c", _ROOT.replace("UID", str(UID)), "container"),
            *(str(place), str(self.data_dir), str(REPOSITORY)),
            *("setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"),
            *("--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"),
            *("env", "-C", "/app", *self._told()),
            *(_python(), "-m", "collector.cli", "serve"),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        if wait:
            self.wait_ready()
        return self

    def inside(self, path: str) -> Path:
        """Look at a path as the container sees it."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/root{path}")

    def _told(self) -> list[str]:
        variables = {**environment(), **self.environ, "FOOTFALL_PORT": str(self.port)}
        return [f"{name}={value}" for name, value in {**variables, "HOME": "/tmp"}.items()]


def _python() -> str:
    """Name this interpreter as the container sees it: the tree may lie where it has a tmpfs."""
    here = Path(sys.executable)
    return f"/app/{here.relative_to(REPOSITORY)}" if REPOSITORY in here.parents else str(here)
