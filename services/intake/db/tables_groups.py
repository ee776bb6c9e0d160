"""Tables of merged and joint appeals."""
