"""What CI services read, a module each."""
