"""The built-in attribute pack, written in the same YAML as everyone else's."""
