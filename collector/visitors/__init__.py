"""Pages for visitors: the notice, their own data, the opt-out."""
