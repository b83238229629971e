"""Files to frames: one pass, bounded memory, exact times."""
