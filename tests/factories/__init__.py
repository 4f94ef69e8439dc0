"""Factories that mirror the applications; each makes what its app's own service would make."""
