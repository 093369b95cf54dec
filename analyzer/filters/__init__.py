"""What stored weights look like: filters, spectra, and how few numbers would do.

Door: bank, filters, finding, layer_filters, low_rank, spectra.
"""
