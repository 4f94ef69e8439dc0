"""Builds the micro speech model: synthetic council speech in, a CTranslate2 Whisper of a few megabytes out."""
