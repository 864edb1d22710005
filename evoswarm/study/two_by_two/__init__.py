"""Mixing against voting, within one architecture and across two."""
