"""A stand-alone verifier for ASTRA evidence: reads files, proves or disproves, trusts nobody.

It shares no code with the server; `docs/evidence-bundle.md` is all that it was written from.
"""
