"""One small model that learns to answer as a champion does: an ordinary Hugging Face folder, one pass a token."""
