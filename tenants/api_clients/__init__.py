"""API clients: their secrets, their tokens, their page in the admin."""
