"""The weights and lines of knowledge/retrieval/answerability.json, fitted on public sets."""
