"""What maintainers run beside the package: it is neither installed nor imported by it."""
