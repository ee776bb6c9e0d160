"""Breaking the running system on purpose, under load, and checking that nothing was lost, doubled or reordered."""
