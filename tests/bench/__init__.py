"""Measure, side by side in one run; nothing here is timed in a test."""
