"""Ways out into other tools: one file a target, one entry in `targets`."""
