"""The embedded understanding engine: what was said becomes intents, structured data and corrected names."""
