"""The table that appeals are found in by text, place and time."""
