"""The demonstration: a council, its skeleton, its recording, and a client that uses the platform over HTTP."""
