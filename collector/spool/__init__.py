"""The spool: hits between their acknowledgement and the store."""
