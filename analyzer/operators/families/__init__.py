"""Every operator's rules, one file per family, loaded when a graph has an operator of it."""
