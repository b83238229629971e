"""What samples mean: matrix, range, transfer; planes to R'G'B' and back."""
