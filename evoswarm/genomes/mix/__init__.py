"""Genomes that express mixes."""
