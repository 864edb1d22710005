"""One decoding step for many streams: who speaks, how it is fused, what is chosen, what it cost."""
