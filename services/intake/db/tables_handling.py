"""Tables of the handling modes: supplements, hand-overs, urges, knowledge."""
