"""What is said of a model: its layers, totals and findings, and what a run showed.

Door: activations, choosing, column_names, comparison, conditions, device, effective_field,
effective_fields, effective_finding, examination, execution, fact_source, field_figures, file_nodes,
finding, folded_network, gathering, gpu, group, grouping, groups, json_values, kernel_row, latency,
layer, layer_conditions, layer_records, layers, loading, machine, meant_layers, measurement, metric,
model_info, module_groups, module_paths, network_input, path_patterns, profile_comparison,
receptive_field, report, run_conditions, shares, stated_ceilings, stored_filters, sums, told,
total_facts, unit_regions, unit_text, verification.
"""
