"""Check on a live system that what is promised about kept data holds."""
