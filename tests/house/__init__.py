"""What the house itself promises: layers, sizes, words, documents."""
