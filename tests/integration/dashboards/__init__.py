"""What the dashboards' pages promise, over a real store."""
