"""The database backend of the product (`ENGINE`): Django's for PostgreSQL, on whose connections the tenant scope lies.

The second wall between two councils, for the day when the first (`astra_site.lib.tenancy`) has a hole: policies of the
tables (`astra_site.lib.tenant_wall`) show and take only rows of the tenants that the connection was told. See ADR 19.
"""
