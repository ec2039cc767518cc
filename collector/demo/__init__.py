"""Generated traffic for `footfall serve --demo`; no real person is behind it."""
