"""How a format is laid out, a module each."""
