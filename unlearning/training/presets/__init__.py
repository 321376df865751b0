"""Presets: a model with the settings of both stages, one YAML file each."""
