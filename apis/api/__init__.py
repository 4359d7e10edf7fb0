"""API definitions and what belongs to them, for machines."""
