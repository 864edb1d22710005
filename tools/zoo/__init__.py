"""How the members of the built-in pool are trained, evaluated and written."""
