"""What do the rules find in a model? `lint`: analysed where need be, and the rules asked.

Only where a provider is named, ONNX Runtime is loaded: to ask it for its kernels.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from cnnscope.analyzer.analysis import analyze
from cnnscope.analyzer.lint.linting import Findings, lint_report, unreadable
from cnnscope.analyzer.lint.rule import Kernels, Options
from cnnscope.analyzer.lint.selection import selected
from cnnscope.analyzer.lint.settings import LintSettings
from cnnscope.analyzer.model.remote import Remote
from cnnscope.analyzer.model.remote_names import shown_place
from cnnscope.analyzer.report.examination import Source
from cnnscope.analyzer.report.report import Report
from cnnscope.analyzer.values.arguments import checked_amount, checked_mapping, checked_texts
from cnnscope.analyzer.values.diagnostics import OutsideFolderError


def lint(
    model: Source | Report,
    *,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    per_layer_ignores: Mapping[str, Sequence[str]] | None = None,
    target_opset: int | None = None,
    providers: Sequence[str] = (),
    weights: bool = False,
    ridge: float = 10.0,
    heavy: float = 0.5,
    inline: bool = True,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
) -> Findings:
    """What the rules find in a model; `docs/rules` has a page for each.

    Args:
        model: what `analyze` takes, or a report that it gave.
        select, ignore: codes of rules (``"CNS101"``), prefixes (``"CNS1"``) or names; the longer
            prefix wins. Nothing selected: every rule.
        per_layer_ignores: glob over layers' names to what is ignored there.
        target_opset: the opset that the place of deployment is built for.
        providers: ``"cpu"``, ``"cuda"``, ...: every layer has to have a kernel there.
        weights: also read the weights' values.
        ridge: FLOPs per byte below which a layer waits for memory.
        heavy: the share of parameters or MACs from which on one layer is worth a word.
        inline: what the model's own property ``cnnscope.lint.ignore`` names is left out.
        shapes, dims, values: for a model still to be analysed, as `analyze` takes them.

    Returns:
        The `Findings`: a sequence with ``to_dict()``, ``to_dataframe()``; printed, it is a text.

    Raises:
        LintError: a code, prefix or name that fits no rule.
        RunError: ONNX Runtime can say nothing of a provider.
        ModelFileError, GraphError, BindingError: as `analyze`.

    >>> import cnnscope
    >>> found = cnnscope.lint("sample_models/lenet5.onnx", select=["CNS402"])
    >>> [finding.code for finding in found]
    ['CNS402']
    """
    ignored = checked_mapping(
        per_layer_ignores or {}, "per_layer_ignores", "a dict from names of layers to codes"
    )
    per_layer = {glob: checked_texts(codes, glob) for glob, codes in ignored.items()}
    settings = LintSettings(
        checked_texts(select, "select"), checked_texts(ignore, "ignore"), per_layer, inline=inline,
        options=Options(
            checked_amount(ridge, "ridge"), checked_amount(heavy, "heavy"), target_opset,
            checked_texts(providers, "providers"), weights,
        ),
    )  # fmt: skip
    return lint_with(model, settings, shapes, dims, values)


def lint_with(
    model: Source | Report,
    settings: LintSettings,
    shapes: Mapping[str, Sequence[int | None]] | None = None,
    dims: Mapping[str, int] | None = None,
    values: Mapping[str, object] | None = None,
) -> Findings:
    """The same, all that rules are told in one value; arguments and errors as for `lint`."""
    selected(settings)  # before anything that takes time
    kernels = known_kernels(settings.options.providers)
    if not isinstance(model, Report):
        try:
            model = analyze(model, shapes=shapes, dims=dims, values=values, keep_fixed=True)
        except OutsideFolderError as error:
            path = os.fspath(model) if isinstance(model, (str, os.PathLike)) else "model"
            path = model.name if isinstance(model, Remote) else shown_place(str(path))
            found = unreadable(str(path), str(error), settings)
            if found is None:
                raise
            return found
    return lint_report(model, settings, kernels)


def known_kernels(providers: Sequence[str]) -> Kernels | None:
    """The kernels of some providers; None where none is named."""
    if not providers:
        return None
    from cnnscope.runtime.gates.kernel_coverage import KernelCoverage

    return KernelCoverage(providers)
