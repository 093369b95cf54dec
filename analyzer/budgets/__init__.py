"""Whether limits are kept: configuration, baselines, amounts, verdicts.

Door: baselines, config, figures, judging, quantities, settings, verdicts.
"""
