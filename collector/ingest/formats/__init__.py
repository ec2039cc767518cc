"""One module per wire format that hits arrive in."""
