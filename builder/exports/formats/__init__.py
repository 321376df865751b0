"""The built-in formats, one a file. A file put here is found."""
