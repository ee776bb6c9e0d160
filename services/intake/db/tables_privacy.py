"""Tables of privacy: retention, legal holds, approvals by two persons."""
