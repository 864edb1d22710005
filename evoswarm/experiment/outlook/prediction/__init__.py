"""Whether mixing will pay, foretold from a few items before a search begins."""
