"""Run in Firefox what runs in Chromium: the vectors, the traps, and that nothing is kept.

The tests are the same functions; only the browser behind `page` and `new_context` is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.conftest import contexts_of
from tests.browser.firefox import VISITOR, firefox
from tests.browser.test_tracker_promises import (
    test_nothing_is_stored,
    test_refusal_reads_nothing_and_sends_nothing,
    test_strict_policy_is_obeyed,
    test_what_is_read_is_what_is_published,
)
from tests.browser.test_tracker_vectors import (
    test_feature_sends_exactly_its_vector,
    test_leaving_the_page_tells_its_engagement,
    test_payload_travels_as_text_with_credentials,
)

pytestmark = pytest.mark.needs_system("firefox")
__all__ = [
    "firefox",
    "test_feature_sends_exactly_its_vector",
    "test_leaving_the_page_tells_its_engagement",
    "test_nothing_is_stored",
    "test_payload_travels_as_text_with_credentials",
    "test_refusal_reads_nothing_and_sends_nothing",
    "test_strict_policy_is_obeyed",
    "test_what_is_read_is_what_is_published",
]


@pytest.fixture
def new_context(firefox: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Give a maker of contexts of Firefox, with its own user agent."""
    yield from contexts_of(firefox, VISITOR)
