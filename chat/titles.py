"""What a conversation is called until its reader names it."""

LONGEST = 60


def title_from(question: str) -> str:
    """The first question in one line of at most 60 characters, cut at a word."""
    line = " ".join(question.split())
    if len(line) <= LONGEST:
        return line
    cut = line[: LONGEST - 1]
    at_word = cut.rpartition(" ")[0] if line[LONGEST - 1] != " " else cut
    # A single word longer than half a line is cut inside.
    kept = at_word if len(at_word) >= LONGEST // 2 else cut
    return kept.rstrip(" ,;:.-–") + "…"
