"""Footfall's service: counts pageviews and events, and forgets who they were."""

__version__ = "0.2.0.dev0"
