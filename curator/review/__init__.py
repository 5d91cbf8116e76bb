"""Review: people look at what is doubtful, in Argilla, and what they say is kept."""
