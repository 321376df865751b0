"""Attacks: what of the forgotten can be brought back, one file each."""
