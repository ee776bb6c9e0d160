"""Measures the system against its bars, as ratios within one run, and prints what falls short as short."""
