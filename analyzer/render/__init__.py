"""How does a report look in a terminal, a notebook, Markdown, CSV and JSON? It computes nothing."""
