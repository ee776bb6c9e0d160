"""History: past requests come in from a CSV file by a mapping, with their own times, and nobody is notified."""
