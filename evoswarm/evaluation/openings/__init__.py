"""Who opened which held-out questions, and when: one record in several places, each of which knows for all."""
