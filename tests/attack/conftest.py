"""Give attacks a real store, as integration tests have it."""

from tests.integration.conftest import store

__all__ = ["store"]
