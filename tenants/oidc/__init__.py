"""Sign-in to the admin by OpenID Connect."""
