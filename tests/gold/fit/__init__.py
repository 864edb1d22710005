"""Fits along gold texts."""
