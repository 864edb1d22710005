"""What has been read and said, each once, within limits."""
