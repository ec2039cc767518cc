"""What keeps visitors out of the numbers that are kept: consent, addresses, secrets, scrubbing."""
