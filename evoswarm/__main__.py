"""``python -m evoswarm`` is ``evoswarm``."""

from evoswarm.cli import main

main()
