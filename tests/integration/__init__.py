"""What the whole application promises, on real engines."""
