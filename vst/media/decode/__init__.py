"""Reading clips as frames, with bounded memory and exact times."""
