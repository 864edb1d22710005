"""Policies: whatever answers items and is searched, chosen, certified and exported. Data only, one kind a file."""

from __future__ import annotations

from evoswarm.policies.about import About
from evoswarm.policies.document import KINDS, PolicyDocument, load_document, load_policy, read_policy
from evoswarm.policies.mix import Recipe
from evoswarm.policies.policy import Policy
from evoswarm.policies.route import Route
from evoswarm.policies.vote import Vote

__all__ = [
    "KINDS",
    "About",
    "Policy",
    "PolicyDocument",
    "Recipe",
    "Route",
    "Vote",
    "load_document",
    "load_policy",
    "read_policy",
]
