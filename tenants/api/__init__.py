"""The HTTP edge of what a tenant owns."""
