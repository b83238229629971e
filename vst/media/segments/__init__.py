"""What a writer keeps on disk until the output is complete: segments, work folder, lock and transaction."""
