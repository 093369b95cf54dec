"""Does a model keep its budget? Assertions for tests, under the name `cnnscope.testing`.

They judge as `cnnscope check` does and fail with every verdict and the layers that contribute most,
also where a figure isn't known well enough to say that it keeps its limit::

    from cnnscope.testing import assert_no_regression, assert_within

    def test_budget(cnnscope_report):
        assert_within(cnnscope_report, macs="4.2 G", params="26 M", receptive_field=">= 224")
        assert_no_regression(cnnscope_report, "baseline.json", macs="+2 %")
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict, Unpack

if TYPE_CHECKING:
    from cnnscope.analyzer.budgets.check import Checked
    from cnnscope.analyzer.budgets.limit import Limit
    from cnnscope.analyzer.model.own_sizes import Sizes
    from cnnscope.analyzer.report.examination import Source
    from cnnscope.analyzer.report.report import Report

__all__ = ["Amount", "Budget", "assert_no_regression", "assert_within"]

#: a limit as people write it: ``"4.2 G"``, ``"32 MiB"``, ``">= 224"``, ``">= 13, < 18"``, 61706
Amount = str | int | float
GivenShapes = Mapping[str, Sequence[int | None]]
GivenDims = Mapping[str, int | range | Sequence[int]]


class Budget(TypedDict, total=False):
    """What can be limited: the keys of ``[limits]`` in cnnscope.toml, ``.`` written ``_``.

    An amount is an upper limit unless it begins with a comparison. None: no limit.
    """

    params: Amount | None
    buffers: Amount | None
    macs: Amount | None
    int_macs: Amount | None
    float_macs: Amount | None
    flops: Amount | None
    layers: Amount | None
    weights: Amount | None
    peak_activation: Amount | None
    traffic: Amount | None
    file_size: Amount | None
    receptive_field: Amount | None
    effective_field: Amount | None
    effective_field_80: Amount | None
    effective_field_50: Amount | None
    lookahead: Amount | None
    opset: Amount | None
    max_partial: Amount | None
    errors: Amount | None
    operators_forbid: Sequence[str] | str | None
    operators_allow: Sequence[str] | str | None
    latency_p50: str | None
    latency_p99: str | None
    device_time: str | None
    host_bound: str | float | None


#: what may not have grown unless something else is said
_KEPT: Final = ("params", "macs", "flops", "weights", "peak_activation")


def assert_within(
    model: Report | Source,
    *,
    limits: Mapping[str, object] | None = None,
    allow_unknown: bool = False,
    shapes: GivenShapes | None = None,
    dims: GivenDims | None = None,
    free: str | Sequence[str] = (),
    **budget: Unpack[Budget],
) -> None:
    """Fails unless a model is known to keep every limit.

    Args:
        model: a report, or what `cnnscope.analyze` takes.
        limits: further ones, by their names on the command line:
            ``{"module.layer4.params": "15 M", "kind.convolution.macs": "4 G"}``.
        allow_unknown: a figure that isn't known well enough is no failure.
        shapes, dims, free: of a model still to be analysed, as `cnnscope.check` has them. Several lengths of
            a dimension may be given of a report, too: a limit has to be kept at all valid sizes among them.
        budget: the limits: see `Budget`.

    Raises:
        AssertionError: a limit isn't kept, or it isn't known whether it is; the message has every
            verdict, and the layers that contribute most to what is exceeded.
        ValueError: something isn't a limit, or there is none.
        ModelFileError, GraphError, BindingError: as `cnnscope.analyze`.

    >>> from cnnscope.testing import assert_within
    >>> assert_within("sample_models/lenet5.onnx", params="62 k", receptive_field=">= 14")
    >>> assert_within("sample_models/lenet5.onnx", params="60 k")
    Traceback (most recent call last):
    ...
    AssertionError: sample_models/lenet5.onnx: 1 exceeded of 1 limit
    EXCEEDS  params is 61.71 k, limit <= 60.00 k, 1.71 k (2.8 %) over
             most is in:
    ...
    >>> assert_within("sample_models/fcn8s.onnx", free="HxW", dims={"H,W": range(224, 513)}, params="140 M")
    """
    __tracebackhide__ = True
    asked = _limits({**budget, **(limits or {})}, "assert_within")
    if not asked:
        raise ValueError("no limit is given: assert_within(report, macs='4.2 G')")
    _hold(_check(model, asked, _Sized(shapes, dims, free), allow_unknown))


def assert_no_regression(
    model: Report | Source,
    baseline: Report | str | os.PathLike[str],
    *,
    limits: Mapping[str, object] | None = None,
    allow_unknown: bool = False,
    require_baseline: bool = False,
    shapes: GivenShapes | None = None,
    dims: GivenDims | None = None,
    free: str | Sequence[str] = (),
    **budget: Unpack[Budget],
) -> None:
    """Fails unless a model is known to be no larger than it was.

    Parameters, MACs, FLOPs, bytes of weights and the peak of activations may not have grown, each
    by no more than a limit of its own where there is one.

    Args:
        model: a report, or what `cnnscope.analyze` takes.
        baseline: an earlier report; the path of an earlier model; that of a JSON file which
            `cnnscope baseline write`, `check --format json` or `analyze --format json`
            wrote; or ``"git:REF:path"``, and ``"git:REF"`` for the same file at a commit.
        limits, budget: limits as `assert_within` has them. With a sign they are relative to the
            baseline: ``macs="+2 %"``, ``params="+100 k"``, ``receptive_field=">= -0 %"``. None:
            it may be anything.
        allow_unknown: a figure that isn't known well enough is no failure.
        require_baseline: a model that the baseline doesn't know fails. Else it passes what is relative,
            as in `cnnscope check`, and a warning says so.
        shapes, dims, free: as `assert_within` has them. Over a range of sizes the largest figure is held
            against the baseline's largest one, under a lower limit the smallest against its smallest.

    Raises:
        AssertionError: as `assert_within`.
        ValueError: something isn't a limit.
        BaselineError: the baseline has no figures.
        ModelFileError, GraphError, BindingError: as `cnnscope.analyze`.

    >>> from cnnscope.testing import assert_no_regression
    >>> lenet = "sample_models/lenet5.onnx"
    >>> assert_no_regression(lenet, lenet)
    >>> assert_no_regression("sample_models/alexnet.onnx", lenet, params=None, macs="+2 %")
    Traceback (most recent call last):
    ...
    AssertionError: sample_models/alexnet.onnx: 4 exceeded of 4 limits
    ...
    """
    __tracebackhide__ = True
    asked = _limits(
        {**dict.fromkeys(_KEPT, "+0 %"), **budget, **(limits or {})}, "assert_no_regression"
    )
    if isinstance(baseline, (str, os.PathLike)):
        named = os.fspath(baseline)
        sized = _Sized(shapes, dims, free)
        found = _check(model, asked, sized, allow_unknown, named, required=require_baseline)
        _hold(found)
        if found.new:
            from cnnscope.analyzer.render.subjects.verdicts import standing_text
            from cnnscope.analyzer.values.notation import name

            warnings.warn(f"{name(found.model)}: {standing_text(found)}", stacklevel=2)
    else:
        _hold(_compared(model, baseline, asked, _Sized(shapes, dims, free), allow_unknown))


class _Sized(NamedTuple):
    """At which sizes a model is judged."""

    shapes: GivenShapes | None
    dims: GivenDims | None
    free: str | Sequence[str]

    def sizes(self, model: Report | Source) -> Sizes:
        """As the checks have them.

        Raises:
            ValueError: it is a report, which has its sizes.
            BindingError: they are none.
        """
        from cnnscope.analyzer.model.own_sizes import Sizes
        from cnnscope.analyzer.report.report import Report
        from cnnscope.analyzer.values.arguments import (
            checked_ranges,
            checked_shapes,
            checked_texts,
        )

        dims, ranges = checked_ranges(self.dims)
        if isinstance(model, Report) and not ranges and (self.shapes or dims or self.free):
            raise ValueError("shapes and dims go with a model that is still to be analysed")
        shapes: dict[str | None, Sequence[int | None]] = dict(checked_shapes(self.shapes).items())
        return Sizes(shapes, dims, {}, ranges, checked_texts(self.free, "free"))


def _limits(given: Mapping[str, object], origin: str) -> list[Limit]:
    """The limits; of two on the same thing the later one."""
    from cnnscope.analyzer.budgets.limit_text import make_limit, split_key

    found = {}
    for name, value in given.items():
        quantity, scope = split_key(name.replace("operators_", "operators.", 1))
        found[quantity, scope] = value
    return [
        make_limit(quantity, value, scope, origin)
        for (quantity, scope), value in found.items()
        if value is not None
    ]


def _check(
    model: Report | Source,
    limits: Sequence[Limit],
    sized: _Sized,
    allow_unknown: bool,
    baseline: str | None = None,
    *,
    required: bool = False,
) -> Checked:
    """As `cnnscope check` judges; what stands in the way of judging at all is raised."""
    from cnnscope.analyzer.budgets.quantity import MEASURED
    from cnnscope.runtime.gates.analysed import analysed
    from cnnscope.runtime.gates.checking import run_check
    from cnnscope.runtime.gates.jobs import CheckRequest

    sizes = sized.sizes(model)
    timed = any(limit.quantity in MEASURED for limit in limits)
    done = run_check(
        CheckRequest(
            # What stands in the way of an analysis is told as `analyze` tells it.
            [model if timed or sizes.ranges else analysed(model, sizes)[0]],
            limits=limits,
            shapes=sizes.shapes or None,
            dims=sizes.dims or None,
            ranges=sizes.ranges or None,
            free=sizes.free,
            baseline=baseline,
            allow_unknown=allow_unknown,
            require_baseline=required,
        )
    )
    if done.problems:
        raise AssertionError(f"{done.problems[0].model}: {done.problems[0].message}")
    return done.models[0]


def _compared(
    model: Report | Source, earlier: Report, limits: Sequence[Limit], sized: _Sized, allowed: bool
) -> Checked:
    from cnnscope.analyzer.budgets.check import Checked
    from cnnscope.analyzer.budgets.figures import ModelFigures
    from cnnscope.analyzer.budgets.judging import judge_report
    from cnnscope.runtime.gates.analysed import analysed

    sizes = sized.sizes(model)
    report, over = analysed(model, sizes)
    before, over_before = analysed(earlier, sizes) if sizes.ranges else (earlier, None)
    verdicts = judge_report(
        report, limits, figures=ModelFigures(report, limits, {}, over),
        baseline=ModelFigures(before, limits, {}, over_before), allow_unknown=allowed,
    )  # fmt: skip
    return Checked(report.model.path or "model in memory", verdicts, {}, report, over=over)


def _hold(checked: Checked) -> None:
    from cnnscope.analyzer.render.subjects.assertion import assertion_text

    __tracebackhide__ = True
    if not checked.ok:
        raise AssertionError(assertion_text(checked))
