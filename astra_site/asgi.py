"""ASGI entry point (uvicorn in production and in the demo; daphne works too)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "astra_site.settings")

application = get_asgi_application()
