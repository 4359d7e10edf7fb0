"""What unbounded users see below `/all/`: requests of every organisation, and records that were not taken in."""
