"""What a visitor's and a reader's real browser shows."""
