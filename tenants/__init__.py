"""Tenants: who they are, their skeletons, configuration and quota."""
