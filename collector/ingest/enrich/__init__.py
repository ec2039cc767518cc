"""Rules that turn what a hit carries into the values of dimensions."""
