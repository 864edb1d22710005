"""The built-in pool: tiny trained members and their cards."""
