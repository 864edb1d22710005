"""Who may open the test items of a search, what is said before it happens, and that it is on record first."""
