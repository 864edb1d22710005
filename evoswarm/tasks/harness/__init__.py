"""Items of tasks of the lm-evaluation-harness: its prompts, few shots, filters and metrics."""
