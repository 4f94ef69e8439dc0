"""The Tenant Config Service: a tenant's published configuration, from memory, Redis or PostgreSQL (docs/adr/0015)."""
