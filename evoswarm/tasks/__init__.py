"""Tasks: sources of items with scorers, and the splits of the items."""
