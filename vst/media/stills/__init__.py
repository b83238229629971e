"""Picture files and image sequences."""
