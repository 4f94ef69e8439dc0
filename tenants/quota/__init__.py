"""What a council may use: AI time by month, storage in all. Reserved in Redis, settled in a ledger (docs/adr/0010)."""
