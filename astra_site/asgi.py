"""ASGI entry point (uvicorn in production and in the demo; daphne works too)."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "astra_site.settings")
_django = get_asgi_application()

# What these import needs the settings and apps from above.
from astra_site.lifespan import lifespan  # noqa: E402
from astra_site.request_bodies import BodyGate  # noqa: E402
from sessions_app.api.append_front import AppendFront  # noqa: E402
from sessions_app.realtime.routing import websocket_application  # noqa: E402

application = ProtocolTypeRouter(
    {"http": BodyGate(AppendFront(_django)), "websocket": websocket_application(), "lifespan": lifespan}
)
