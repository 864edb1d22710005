"""Policies in use: questions asked as their tasks asked them, answered by policies that are loaded once."""
