"""What a champion must be compared with: rivals that spend the same compute, diagnostics, ceilings."""
