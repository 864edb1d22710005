"""Bytes and tokens: the outcome spaces, and how a tokenizer spells and splits what is being said."""
