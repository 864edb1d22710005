"""Search algorithms on one space, with equal seeds, evaluations and founders."""
