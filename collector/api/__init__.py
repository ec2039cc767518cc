"""The reading API, in the shapes of Plausible's v1 and v2."""
