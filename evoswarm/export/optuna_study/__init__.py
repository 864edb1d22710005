"""All policies that a run evaluated as an Optuna study."""
