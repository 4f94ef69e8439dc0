"""A real PostgreSQL and a real Redis for one checkout: no root rights, no container, nothing installed system-wide.

`EmbeddedServices` starts and stops both; `PostgresServer` and `RedisServer` are usable alone (the chaos tests kill and
restart them). Where `DATABASE_URL` and `REDIS_URL` point elsewhere, nothing here is used.
"""

from astra_site.embedded.errors import DataFolderInUse, EmbeddedServerFailed, EmbeddedServerMissing
from astra_site.embedded.postgres_server import PostgresServer
from astra_site.embedded.redis_cluster import RedisClusterServers
from astra_site.embedded.redis_server import RedisServer
from astra_site.embedded.services import EmbeddedServices, Endpoints, ServiceStatus

__all__ = [
    "DataFolderInUse",
    "EmbeddedServerFailed",
    "EmbeddedServerMissing",
    "EmbeddedServices",
    "Endpoints",
    "PostgresServer",
    "RedisClusterServers",
    "RedisServer",
    "ServiceStatus",
]
