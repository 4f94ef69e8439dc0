"""Custody: what a session was, sealed so that it can be checked without us."""
