"""Labels for faces that come without any: estimated, then reviewed by a human."""
