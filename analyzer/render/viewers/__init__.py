"""What other programs show or read of a model: viewers, drawings, cards and bills, a module each."""
