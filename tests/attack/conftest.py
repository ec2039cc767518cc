"""Give attacks a real store, as integration tests have it."""

from tests.integration.conftest import prepared, store

__all__ = ["prepared", "store"]
