"""The report page: everything that is known of a model, as one file that opens in a browser by itself.

Door: contents, embedded, page.
"""
