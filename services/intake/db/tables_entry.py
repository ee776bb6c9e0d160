"""Tables of entry: campaigns, windows, informants, inbound sources."""
