"""Settings: everything that differs between installations is an environment variable (see `.env.example`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _
from psycopg.conninfo import conninfo_to_dict

from astra_site.lib import env
from astra_site.navigation import BLUE, NAVIGATION

BASE_DIR = Path(__file__).resolve().parent.parent
DEVELOPMENT_SECRET = "development-only-" + "x" * 40

# -- Deployment --------------------------------------------------------------------------------------------------
PRODUCTION = env.flag("ASTRA_PRODUCTION", default=False)
DEBUG = False
DATA_DIR = Path(env.text("ASTRA_DATA_DIR", str(BASE_DIR / "var" / "data")))
SECRET_KEY = env.text("ASTRA_SECRET_KEY", DEVELOPMENT_SECRET)
ALLOWED_HOSTS = env.names("ASTRA_ALLOWED_HOSTS", "" if PRODUCTION else "127.0.0.1,localhost,[::1],testserver")
CSRF_TRUSTED_ORIGINS = env.names("ASTRA_CSRF_TRUSTED_ORIGINS", "")
PUBLIC_URL = env.text("ASTRA_PUBLIC_URL", "http://127.0.0.1:8000")

# -- Truth and heat: PostgreSQL, Redis, objects ------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL", "postgresql:///astra")
# Who owns the tables; `migrate` signs in as that role, and nothing else does. The application's role is bound by the
# tables' row-level security, so production refuses one that could get around it (docs/adr/0019).
DATABASE_OWNER_URL = env.text("DATABASE_OWNER_URL", DATABASE_URL)
REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
# The heat of sessions alone, which may live in a cluster; empty: in REDIS_URL with the queues.
SESSION_REDIS_URL = env.text("ASTRA_SESSION_REDIS_URL", "")
OBJECT_STORE_URL = env.text("OBJECT_STORE_URL", f"file://{DATA_DIR / 'objects'}")

# Statements of the hot path are prepared on the server. 0 behind a pooler that shares connections between transactions.
DATABASE_PREPARES = env.flag("ASTRA_DB_PREPARES", default=True)

# No statement of ours takes seconds; one that hangs at a lock gives its connection back. 0 for long migrations, and
# behind a pooler that refuses start-up options.
DATABASE_STATEMENT_S = env.integer("ASTRA_DB_STATEMENT_TIMEOUT_S", 60)


def database_from_url(url: str) -> dict[str, Any]:
    """Turn a libpq URL (host may be a socket folder) into Django's form, with a connection pool."""
    parts = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    known = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    database: dict[str, Any] = {django: parts.pop(libpq, "") for django, libpq in known.items()}
    options: dict[str, Any] = {
        "connect_timeout": 5,
        # A host that has gone without a word is noticed within some ten seconds, whether or not something is on its
        # way to it. A server process that hangs is not: its host still answers.
        "tcp_user_timeout": 10_000,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        # A pool that gives up soon tries again with the next request; one that goes on alone waits twice as long each
        # time, and comes back long after the server.
        "pool": {
            "min_size": 1,
            "max_size": env.integer("ASTRA_DB_POOL_SIZE", 24),
            "timeout": 5,
            "reconnect_timeout": 5,
        },
        "prepare_threshold": 5 if DATABASE_PREPARES else None,
        **({"options": f"-c statement_timeout={DATABASE_STATEMENT_S * 1000}"} if DATABASE_STATEMENT_S else {}),
        **parts,
    }
    return {
        "ENGINE": "astra_site.lib.scoped_postgresql",
        "OPTIONS": options,
        "CONN_HEALTH_CHECKS": True,
        "SHARED_BETWEEN_TRANSACTIONS": not DATABASE_PREPARES,
        "DISABLE_SERVER_SIDE_CURSORS": not DATABASE_PREPARES,
        **database,
    }


def owner_from_url(url: str) -> dict[str, Any]:
    """Do the same for the owner: one connection for one command, past any pooler."""
    database = database_from_url(url)
    options = {name: value for name, value in database["OPTIONS"].items() if name != "pool"}
    return {**database, "OPTIONS": options, "SHARED_BETWEEN_TRANSACTIONS": False, "OF_THE_OWNER": True}


DATABASES = {"default": database_from_url(DATABASE_URL)}
DATABASE_NAME = str(DATABASES["default"]["NAME"])
DATABASE_OWNER = owner_from_url(DATABASE_OWNER_URL)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- Applications ------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_dramatiq",
    "astra_site",
    "tenants",
    "jobs",
    "assets",
    "custody",
    "sessions_app",
]
MIDDLEWARE = [
    "astra_site.lib.middleware.TraceMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "tenants.middleware.AdminTenantScopeMiddleware",
]
ROOT_URLCONF = "astra_site.urls"
ASGI_APPLICATION = "astra_site.asgi.application"
WSGI_APPLICATION = "astra_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "tenants.oidc.context.sign_in",
            ]
        },
    }
]

# -- Web: limits, headers, language ------------------------------------------------------------------------------
MAX_CHUNK_BYTES = env.integer("ASTRA_MAX_CHUNK_BYTES", 8 * 1024 * 1024)
MAX_RECORDING_BYTES = env.integer("ASTRA_MAX_RECORDING_BYTES", 4 * 1024 * 1024 * 1024)
MAX_ASSET_BYTES = env.integer("ASTRA_MAX_ASSET_BYTES", 20 * 1024 * 1024)
# base64 in JSON is a third larger than the audio in it; the rest is room for the other fields.
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_CHUNK_BYTES * 4 // 3 + 64 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_CHUNK_BYTES
# Blocking work of appends, sockets, gRPC and watchers in one process. Each keeps a connection of the database's pool,
# which needs some more for the other requests.
ASYNC_THREADS = env.integer("ASTRA_ASYNC_THREADS", 16)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_SSL_REDIRECT = env.flag("ASTRA_SSL_REDIRECT", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("ASTRA_BEHIND_PROXY", default=False) else None

# -- Limits of live inputs ---------------------------------------------------------------------------------------
# Inputs a second and in one burst; 0 a second limits nothing. A live session sends one in five seconds, and fifty times
# as fast when it catches up after an outage.
SESSION_RATE_PER_S = env.integer("ASTRA_SESSION_RATE_PER_S", 50)
SESSION_RATE_BURST = env.integer("ASTRA_SESSION_RATE_BURST", 1_000)
TENANT_RATE_PER_S = env.integer("ASTRA_TENANT_RATE_PER_S", 200)
TENANT_RATE_BURST = env.integer("ASTRA_TENANT_RATE_BURST", 5_000)
# New inputs are sent away while so many live inputs wait for a worker, or one has waited for so long; 0 for never.
BACKLOG_INPUTS = env.integer("ASTRA_BACKLOG_INPUTS", 10_000)
BACKLOG_AGE_S = env.integer("ASTRA_BACKLOG_AGE_S", 600)

# -- gRPC --------------------------------------------------------------------------------------------------------
GRPC_ADDRESSES = env.names("ASTRA_GRPC_ADDRESS", "127.0.0.1:50051")
# PEM files; without them the connection is plain, for a proxy or a private network in front.
GRPC_TLS_CERT_FILE = env.text("ASTRA_GRPC_TLS_CERT_FILE", "")
GRPC_TLS_KEY_FILE = env.text("ASTRA_GRPC_TLS_KEY_FILE", "")
# A connection that does not answer a ping within a third of it is closed.
GRPC_KEEPALIVE_S = env.integer("ASTRA_GRPC_KEEPALIVE_S", 30)
# Calls and streams at the same time; a further one is told to come back later.
GRPC_MAX_CALLS = env.integer("ASTRA_GRPC_MAX_CALLS", 1000)

LANGUAGE_CODE = "es"
LANGUAGES = [("es", _("Spanish")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["astra_site.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env.text("ASTRA_TIME_ZONE", "America/Bogota")
STATIC_URL = "static/"
# Collected files where the image has them; else the finders serve what the packages bring.
STATIC_ROOT = env.text("ASTRA_STATIC_ROOT", "") or None
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# -- Identity ----------------------------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
JWKS_URL = env.text("ASTRA_JWKS_URL", f"file://{DATA_DIR / 'keys' / 'jwks.json'}")
JWT_ISSUER = env.text("ASTRA_JWT_ISSUER", "https://astra.invalid/development")
JWT_AUDIENCE = env.text("ASTRA_JWT_AUDIENCE", "astra-api")
JWT_ALGORITHMS = env.names("ASTRA_JWT_ALGORITHMS", "RS256,ES256")
# While the provider is down its last keys are used for so long: longer than the longest session of a council.
JWKS_KEPT_S = env.integer("ASTRA_JWKS_KEPT_S", 24 * 3600)
# Tokens for API clients, which this installation issues itself. PEM files with P-256 keys: the first signs, all verify.
TOKEN_KEY_FILES = env.names("ASTRA_TOKEN_KEY_FILES", "")
TOKEN_ISSUER = env.text("ASTRA_TOKEN_ISSUER", PUBLIC_URL)
TOKEN_TTL_S = env.integer("ASTRA_TOKEN_TTL_S", 900)
TOKEN_RATE_PER_S = env.integer("ASTRA_TOKEN_RATE_PER_S", 1)
TOKEN_RATE_BURST = env.integer("ASTRA_TOKEN_RATE_BURST", 20)
# Sign-in to the admin by an OpenID Connect provider; off without its address.
OIDC_ISSUER = env.text("ASTRA_OIDC_ISSUER", "")
OIDC_RP_CLIENT_ID = env.text("ASTRA_OIDC_CLIENT_ID", "")
OIDC_RP_CLIENT_SECRET = env.text("ASTRA_OIDC_CLIENT_SECRET", "")
OIDC_RP_SCOPES = env.text("ASTRA_OIDC_SCOPES", "openid email profile")
OIDC_ALGORITHMS = env.names("ASTRA_OIDC_ALGORITHMS", "RS256,ES256")
OIDC_TENANT_CLAIM = env.text("ASTRA_OIDC_TENANT_CLAIM", "tenant_id")
OIDC_GROUPS_CLAIM = env.text("ASTRA_OIDC_GROUPS_CLAIM", "groups")
OIDC_ADMIN_GROUPS = env.names("ASTRA_OIDC_ADMIN_GROUPS", "admin")
OIDC_CLERK_GROUPS = env.names("ASTRA_OIDC_CLERK_GROUPS", "clerk")
OIDC_VIEWER_GROUPS = env.names("ASTRA_OIDC_VIEWER_GROUPS", "viewer")
OIDC_SESSION_S = env.integer("ASTRA_OIDC_SESSION_S", 8 * 3600)
OIDC_USE_PKCE = OIDC_USE_NONCE = OIDC_STORE_ID_TOKEN = True
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
if OIDC_ISSUER:
    AUTHENTICATION_BACKENDS.append("tenants.oidc.backend.OidcBackend")
    if not OIDC_RP_CLIENT_ID or not OIDC_RP_CLIENT_SECRET:
        raise ImproperlyConfigured("ASTRA_OIDC_ISSUER needs ASTRA_OIDC_CLIENT_ID and ASTRA_OIDC_CLIENT_SECRET.")
SIGNING_KEY = env.text("ASTRA_SIGNING_KEY", "")
SIGNING_KEY_FILE = env.text("ASTRA_SIGNING_KEY_FILE", str(DATA_DIR / "keys" / "signing_key"))
WORM_RETENTION_DAYS = env.integer("ASTRA_WORM_RETENTION_DAYS", 3650)
# Each holds a database connection (ASTRA_DB_POOL_SIZE) of the worker that hands recordings over.
WORM_COPIES_AT_ONCE = env.integer("ASTRA_WORM_COPIES_AT_ONCE", 4)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["astra_site.lib.bearer.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["astra_site.lib.bearer.DenyUnlessDeclared"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["astra_site.lib.json_input.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "astra_site.lib.problems.problem_response",
    "UNAUTHENTICATED_USER": None,
}
# The API's description at /docs and /openapi.json, for anyone.
PUBLIC_DOCS = env.flag("ASTRA_PUBLIC_DOCS", default=not PRODUCTION)
SPECTACULAR_SETTINGS = {
    "TITLE": "ASTRA",
    "DESCRIPTION": "From a council's recorded session to its sealed minutes.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "APPEND_COMPONENTS": {"securitySchemes": {"clientSecret": {"type": "http", "scheme": "basic"}}},
}

# -- Work --------------------------------------------------------------------------------------------------------
# The broker makes its connections from the address alone: timeouts beside it would be ignored, and a Redis that does
# not answer would keep every acknowledgement waiting.
BROKER_URL = f"{REDIS_URL}{'&' if '?' in REDIS_URL else '?'}socket_timeout=3&socket_connect_timeout=1"
DRAMATIQ_BROKER = {
    "BROKER": "dramatiq.brokers.redis.RedisBroker",
    "OPTIONS": {"url": BROKER_URL, "namespace": "astra"},
    "MIDDLEWARE": [
        "dramatiq.middleware.AgeLimit",
        "dramatiq.middleware.TimeLimit",
        "dramatiq.middleware.Callbacks",
        "dramatiq.middleware.Retries",
        "dramatiq.middleware.ShutdownNotifications",
        "django_dramatiq.middleware.DbConnectionsMiddleware",
    ],
}
DRAMATIQ_AUTODISCOVER_MODULES = ["tasks"]
JOB_LEASE_S = env.integer("ASTRA_JOB_LEASE_S", 30)
JOB_RESEND_AFTER_S = env.integer("ASTRA_JOB_RESEND_AFTER_S", 10)

# -- Quota -------------------------------------------------------------------------------------------------------
# How long a worker that gives no sign of life keeps what it has reserved; how often Redis is compared with the ledger.
QUOTA_LEASE_S = env.integer("ASTRA_QUOTA_LEASE_S", 900)
QUOTA_SWEEP_S = env.integer("ASTRA_QUOTA_SWEEP_S", 30)

# -- Sockets -----------------------------------------------------------------------------------------------------
# Pages that may open a socket; a client that is no browser names none, and needs a token all the same.
SOCKET_ORIGINS = env.names("ASTRA_SOCKET_ORIGINS", PUBLIC_URL)
SOCKET_HELLO_TIMEOUT_S = env.integer("ASTRA_SOCKET_HELLO_TIMEOUT_S", 5)
SOCKET_SEND_TIMEOUT_S = env.integer("ASTRA_SOCKET_SEND_TIMEOUT_S", 15)
SOCKETS_PER_PROCESS = env.integer("ASTRA_SOCKETS_PER_PROCESS", 1000)
SOCKETS_WAITING = env.integer("ASTRA_SOCKETS_WAITING", 32)
SOCKETS_PER_TENANT = env.integer("ASTRA_SOCKETS_PER_TENANT", 200)
# Hints between sockets. Publish/subscribe: nothing lies in Redis, so nothing is lost with it.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_connect_timeout": 1, "socket_timeout": 2}],
            "prefix": "astra:socket:",
        },
    }
}

# -- Sessions and speech -----------------------------------------------------------------------------------------
SESSION_BUFFER_TTL_S = env.integer("ASTRA_SESSION_BUFFER_TTL_S", 24 * 3600)
# An open session without a sign of life for so long is abandoned.
SESSION_IDLE_S = env.integer("ASTRA_SESSION_IDLE_S", 24 * 3600)
# Temporary audio stays for so long after the closing; links to it work for seven days.
TEMPORARY_AUDIO_DAYS = env.integer("ASTRA_TEMPORARY_AUDIO_DAYS", 8)
# A larger session dump is handed to the builder by its place and hash, not inside the request.
INLINE_PAYLOAD_BYTES = env.integer("ASTRA_INLINE_PAYLOAD_BYTES", 5 * 1024 * 1024)
DEFAULT_ENGINE = env.text("ASTRA_ENGINE", "whisper:large-v3-turbo")
ENGINE_THREADS = env.integer("ASTRA_ENGINE_THREADS", 1)
ENGINE_DEVICE = env.text("ASTRA_ENGINE_DEVICE", "cpu")

# -- CORE --------------------------------------------------------------------------------------------------------
# Empty: the engine in this process. Else where `astra.core/1` requests are posted to (docs/guides/core.md).
CORE_URL = env.text("ASTRA_CORE_URL", "")
CORE_TOKEN = env.text("ASTRA_CORE_TOKEN", "")
CORE_TIMEOUT_S = env.integer("ASTRA_CORE_TIMEOUT_S", 5)
CORE_MAX_ANSWER_BYTES = env.integer("ASTRA_CORE_MAX_ANSWER_BYTES", 8 * 1024 * 1024)
CORE_BREAKER_FAILURES = env.integer("ASTRA_CORE_BREAKER_FAILURES", 5)
CORE_BREAKER_COOL_DOWN_S = env.integer("ASTRA_CORE_BREAKER_COOL_DOWN_S", 30)
if CORE_URL and not CORE_URL.startswith(("http://", "https://")):
    raise ImproperlyConfigured("ASTRA_CORE_URL must be an http:// or https:// address, or empty.")

# -- Logs --------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "astra_site.lib.logs.ContextFilter"}},
    "formatters": {"json": {"()": "astra_site.lib.logs.AstraJsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["context"]}},
    "root": {"handlers": ["stderr"], "level": env.text("ASTRA_LOG_LEVEL", "INFO")},
    "loggers": {"django.server": {"handlers": ["stderr"], "propagate": False}},
}

# -- Admin -------------------------------------------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "ASTRA",
    "SITE_HEADER": "ASTRA",
    "SITE_SUBHEADER": _("From the recording to the sealed minutes"),
    "SITE_SYMBOL": "gavel",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("astra/favicon.svg")}],
    "COLORS": {"primary": BLUE},
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "DASHBOARD_CALLBACK": "astra_site.dashboard.dashboard",
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}

if PRODUCTION:
    _missing = [
        name
        for name, unsafe in (
            ("ASTRA_SECRET_KEY", SECRET_KEY == DEVELOPMENT_SECRET),
            ("ASTRA_ALLOWED_HOSTS", not ALLOWED_HOSTS),
            ("ASTRA_JWKS_URL", not JWKS_URL.startswith("https://")),
            ("ASTRA_JWT_ISSUER", ".invalid" in JWT_ISSUER),
            ("ASTRA_OIDC_ISSUER", bool(OIDC_ISSUER) and not OIDC_ISSUER.startswith("https://")),
            ("ASTRA_TOKEN_ISSUER", TOKEN_ISSUER == JWT_ISSUER),
            ("ASTRA_TOKEN_KEY_FILES", not all(Path(name).is_file() for name in TOKEN_KEY_FILES)),
            ("ASTRA_SIGNING_KEY or ASTRA_SIGNING_KEY_FILE", not SIGNING_KEY and not Path(SIGNING_KEY_FILE).is_file()),
        )
        if unsafe
    ]
    if _missing:
        raise ImproperlyConfigured("Production refuses development values. Set: " + ", ".join(_missing))
