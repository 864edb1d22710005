"""EleutherAI's lm-evaluation-harness: policies as one of its models."""
