"""Runs `jobs.core` on PostgreSQL and Dramatiq."""
