"""The token endpoint (RFC 6749)."""
