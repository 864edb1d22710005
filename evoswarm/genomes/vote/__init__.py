"""Genomes that express votes."""
