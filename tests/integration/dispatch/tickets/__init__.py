"""Tickets from the accepted appeal to the closed case."""
