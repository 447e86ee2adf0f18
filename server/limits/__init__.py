"""How much a document may ask for, what it costs, and how much of that its sender may spend."""
