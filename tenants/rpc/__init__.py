"""The gRPC edge of what a tenant owns."""
