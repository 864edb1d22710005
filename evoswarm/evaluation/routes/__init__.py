"""Routes put together from what policies are known to score: nothing is decoded."""
