"""The portal's objects as clients of the JSON API know them."""
