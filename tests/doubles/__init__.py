"""Stand-ins for servers that can't run here; each speaks the real protocol over a loopback socket."""
