"""Studies of a space's settings with Optuna: trials on equal seeds, importance, a verdict on fresh seeds."""
