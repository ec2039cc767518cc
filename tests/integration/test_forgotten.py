"""After a day is sealed, the process memory holds neither its secret nor its visitors (S-30)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.forgetful import masked
from tests.sentinels import ADDRESS_6, COOKIE_MARK, QUERY_TOKEN, USER_AGENT_MARK

WORDS = (ADDRESS_6, USER_AGENT_MARK, QUERY_TOKEN, COOKIE_MARK)
LARGEST_AREA = 2**30


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the service that is searched."""
    words = [masked(word.encode()).hex() for word in WORDS]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.forgetful", str(tmp_path / "data"), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Read the service's next message."""
    assert process.stdout is not None
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    return answer


def go_on(process: subprocess.Popen[str]) -> None:
    """Let the service continue."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def in_memory(pid: int, words: list[bytes]) -> list[int]:
    """Count how often each word occurs in a process's writable memory."""
    found = [0] * len(words)
    areas = re.findall(
        r"^([0-9a-f]+)-([0-9a-f]+) rw", Path(f"/proc/{pid}/maps").read_text(), re.MULTILINE
    )
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for first, last in ((int(one, 16), int(other, 16)) for one, other in areas):
            if last - first > LARGEST_AREA:
                continue
            memory.seek(first)
            content = memory.read(last - first)
            for place, word in enumerate(words):
                found[place] += content.count(word)
    return found


def test_a_sealed_day_is_forgotten_by_the_process(forgetful: subprocess.Popen[str]) -> None:
    """No live object holds the day secret or a marker, and no byte of memory holds the secret.

    The control: while the day is open the secret is found in both, and so is the user agent, in a
    cache that is cleared with the secret.
    """
    open_day = told(forgetful)
    secret = masked(bytes.fromhex(open_day["secret"]))
    needles = [secret, *(word.encode() for word in WORDS)]
    before = in_memory(forgetful.pid, needles)
    go_on(forgetful)
    sealed_day = told(forgetful)
    after = in_memory(forgetful.pid, needles)

    print(f"living while open {open_day['living']}, once sealed {sealed_day['living']}")
    print(f"in memory while open {before}, once sealed {after}")
    assert (open_day["sealed"], sealed_day["sealed"]) == (0, 1)
    assert open_day["living"][0] > 0
    assert open_day["living"][2] > 0
    assert before[0] > 0
    assert sealed_day["living"] == [0] * len(needles)
    assert after[0] == 0
