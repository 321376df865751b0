"""Word lists and reference tables that the embedded sources draw from (see README.md beside this file)."""
