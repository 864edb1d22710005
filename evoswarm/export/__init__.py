"""Ways out into other tools: one file or folder a target, one entry in `targets`."""
