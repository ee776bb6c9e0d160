"""Tables of the category suggestion."""
