"""Whether limits are kept: configuration, baselines, amounts, verdicts.

Door: baselines, check, config, defaults, figure, figures, judging, limit, limit_text, quantities,
quantity, recognition, settings, since, sketch, standing, verdicts.
"""
