"""Genomes that express routes of mixes."""
