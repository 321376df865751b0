"""The library behind :mod:`fiubench`: from sources to a published dataset, in rooms by the stages of the data."""
