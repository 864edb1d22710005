"""Evaluations: a recipe on an item is decoded, judged, priced, and kept in the ledger for ever."""
