"""The model registry: engines, models and adapters, and which of them a council's new sessions use (docs/adr/0016)."""
