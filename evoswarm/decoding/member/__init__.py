"""Members: loaded causal language models, from their files to the tokens of their prompts."""

from evoswarm.decoding.member.files import Content, Double, fingerprint, generation, identified, locate
from evoswarm.decoding.member.loading import load_member, seen_device
from evoswarm.decoding.member.member import Member
from evoswarm.decoding.member.templated import templated, templated_spec

__all__ = [
    "Content",
    "Double",
    "Member",
    "fingerprint",
    "generation",
    "identified",
    "load_member",
    "locate",
    "seen_device",
    "templated",
    "templated_spec",
]
