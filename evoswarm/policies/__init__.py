"""Policies: whatever answers items and is searched, chosen, certified and exported. Data only."""
