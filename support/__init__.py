"""What every part of fiubench needs and that belongs to no domain: errors, keyed draws, canonical JSON, safe files."""
