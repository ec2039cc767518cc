"""Attacks use the same real store as integration tests."""

from tests.integration.conftest import prepared, store

__all__ = ["prepared", "store"]
