"""CORE from the side of an installation: which one is asked, how long it may take, and when it is left alone."""
