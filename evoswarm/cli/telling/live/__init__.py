"""The lines at the bottom of a terminal that say how a command stands, drawn anew again and again."""
