"""What a file really is, what it says besides what it shows, and how to leave that out (trap 28)."""
