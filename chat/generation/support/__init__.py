"""Does a passage say what a sentence of an answer says? Deterministic first, then by weights."""
