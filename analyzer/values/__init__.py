"""Numbers, lengths, windows and words that know no graph.

Door: amounts, arguments, bounds, collector, conditions, diagnostics, dimension, elements, extremes, field,
formula_order, formula_table, frames, leading, length_texts, many_lengths, narrower, near_names, node_name,
notation, own_process, package_version, phases, plain_class, polynomial, reckoning, shown, spans,
substitution, tensor, window.
"""
