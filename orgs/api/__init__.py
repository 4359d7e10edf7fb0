"""Organisations and what is about the whole installation, for machines."""
