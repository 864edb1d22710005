"""What lies on disk of searches: where it is, which run a search goes on with, what a run says of itself."""
