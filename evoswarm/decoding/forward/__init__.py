"""Running models: batches, what their caches keep, devices."""
