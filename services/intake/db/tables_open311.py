"""Tables of the GeoReport v2 server."""
