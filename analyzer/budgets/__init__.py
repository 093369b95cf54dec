"""Whether limits are kept: configuration, baselines, amounts, verdicts.

Door: baseline_file, baselines, bounds, check, config, defaults, figure, figures, holding, judging, limit,
limit_text, quantities, quantity, recognition, saved_figures, settings, since, sketch, standing, verdicts.
"""
