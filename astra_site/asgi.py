"""ASGI entry point (uvicorn in production and in the demo; daphne works too)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "astra_site.settings")
_django = get_asgi_application()

from astra_site.request_bodies import BodyGate  # noqa: E402 - what it imports needs the settings and apps from above

application = BodyGate(_django)
