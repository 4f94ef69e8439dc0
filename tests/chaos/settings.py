"""The product's settings with one part exchanged: a broker that can be told to double, delay and lose messages."""

from __future__ import annotations

from astra_site import settings as product

globals().update({name: getattr(product, name) for name in dir(product) if name.isupper()})
DRAMATIQ_BROKER = {**product.DRAMATIQ_BROKER, "BROKER": "tests.chaos.disorder.DisorderlyBroker"}
