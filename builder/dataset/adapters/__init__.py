"""Adapters to the shapes of others' datasets, one file each (see ``builder/dataset/adapter.py``)."""
