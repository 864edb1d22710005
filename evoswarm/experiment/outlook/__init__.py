"""What a search will take and what it can show: foretold before it begins, corrected while it runs."""
