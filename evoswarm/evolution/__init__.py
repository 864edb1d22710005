"""Evolution: individuals, islands, migration and selection, generic in the genome and ignorant of models."""
