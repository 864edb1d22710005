"""Genomes: what evolution varies, and how it expresses recipes."""
