"""The measures, a module for each group of them."""
