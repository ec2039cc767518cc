"""What one rule or part promises, by itself."""
