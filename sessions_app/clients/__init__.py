"""Reference clients of the session API, one per transport: they know the network, not the server's insides."""
