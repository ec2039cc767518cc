"""The running service: its container, its periodic tasks, its operations."""
