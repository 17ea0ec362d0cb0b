"""What two sequences alone say about their interaction; needs no torch."""
