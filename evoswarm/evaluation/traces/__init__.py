"""What a policy's mixes did step by step, as a run keeps it; who reads it needs no model."""
