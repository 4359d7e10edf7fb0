"""Users, their groups and what lets them in, for machines."""
