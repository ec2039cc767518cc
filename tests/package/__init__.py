"""Check the wheel as a user would install it."""
