"""What `tests/test_tenant_isolation.py` walks over, found in the product itself."""
