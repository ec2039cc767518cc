"""What visitors see and choose, in real browsers."""
