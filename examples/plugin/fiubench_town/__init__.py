"""One of each kind that can be added to fiubench, a file each."""
