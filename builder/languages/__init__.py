"""Languages that questions and answers can be in, one file each, and the registry of all of them."""
