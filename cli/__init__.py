"""The command line ``fiubench``: it parses, calls and prints. One module per group of commands."""
