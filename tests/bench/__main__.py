"""Run every bench that fits into some minutes: `make bench`."""

from __future__ import annotations

from tests.bench import accuracy, memory, throughput


def main() -> None:
    """Print what a hit costs, what the service weighs, and how right the rules are."""
    throughput.main()
    accuracy.main()
    memory.main()


if __name__ == "__main__":
    main()
