"""Which models does a fleet consist of? As many as asked for, made by number and never stored."""
