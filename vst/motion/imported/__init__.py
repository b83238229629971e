"""Published flow networks: their checkpoints, imported once by the user."""
