"""The sources: a file each, with its reader, its generator and what is known of it."""
