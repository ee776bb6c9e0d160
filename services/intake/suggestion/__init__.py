"""Suggesting categories: the lexicon that works from the first day, and models trained on the city's own records."""
