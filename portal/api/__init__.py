"""The portal, for machines."""
