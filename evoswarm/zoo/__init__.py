"""The built-in pool: tiny trained members, their cards, and the script that trains them (see its README)."""
