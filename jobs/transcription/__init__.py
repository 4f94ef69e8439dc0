"""Speech to text: decode, voice activity, clips, engines. Pure of Django; reads audio and model files only."""
