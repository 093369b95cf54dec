"""What stored weights look like: filters, spectra, and how few numbers would do.

Door: filters, finding, layer_filters.
"""
