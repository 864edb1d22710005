"""What the members do alone, before a search begins."""
