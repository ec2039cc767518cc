"""Keep what owners declare: their sites, the people who may look, and their tokens."""
