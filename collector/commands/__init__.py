"""What owners and operators type: one module a group of commands."""
