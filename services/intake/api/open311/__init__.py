"""The Open311 GeoReport v2 server: what foreign 311 clients call."""
