"""Jobs: work that outlives a request. `core` decides, `runtime` runs it on PostgreSQL and Dramatiq."""
