"""Decoding: a swarm of loaded members answers many prompts by many recipes together; ignorant of evolution."""
