"""The rules of dispatch, without any I/O."""
