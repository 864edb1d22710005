"""Members: loaded causal language models, from their files to the tokens of their prompts."""

from evoswarm.decoding.member.files import fingerprint, identified, locate
from evoswarm.decoding.member.loading import load_member, seen_device
from evoswarm.decoding.member.member import Member

__all__ = ["Member", "fingerprint", "identified", "load_member", "locate", "seen_device"]
