"""Code that is not ours, or that handles text of a stranger's, runs in a child process that can be killed.

`limits.py` says how much it may take, `fences.py` what the operating system then refuses it, `child.py` is what runs
there, `function.py` is the parent's end: a function to call.
"""

from evoswarm.confined.function import CallFailed, ConfinedFunction, StartFailed
from evoswarm.confined.limits import ResourceLimits

__all__ = ["CallFailed", "ConfinedFunction", "ResourceLimits", "StartFailed"]
