"""What is finished of a render, on disk, so that it can be resumed."""
