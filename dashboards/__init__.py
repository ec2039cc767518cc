"""What people look at: pages drawn on the server, usable without JavaScript."""
