"""Alphabets, the outcome spaces of a step; and how a tokenizer spells and splits the text so far."""
