"""Keys and policies, for machines."""
