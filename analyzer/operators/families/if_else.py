"""What does If give, and what work is it?

The branch that runs hangs on data; sizes that both branches agree on are known, and the larger
branch's work counts (both are shown). A condition known beforehand decides.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.bodies import (
    Body,
    BodyWork,
    Subgraph,
    decision,
    either,
    variable,
)
from cnnscope.analyzer.operators.reading import Through
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.tensor import Tensor


def if_output(
    cond: Tensor, *, then_branch: Body, else_branch: Body, node_name: str
) -> tuple[Tensor, ...]:
    decided = decision(cond)
    if decided is not None:
        return then_branch() if decided else else_branch()
    then, other = then_branch(), else_branch()
    # A branch that contradicts the sizes found can't be the one that runs: exporters leave
    # both ways of a check on the rank.
    if then_branch.refused != else_branch.refused:
        (then_branch if then_branch.refused else else_branch).withdraw()
        return other if then_branch.refused else then
    return tuple(
        either(variable(a), variable(b), f"{node_name} output {k}")
        for k, (a, b) in enumerate(zip(then, other, strict=True))
    )


def if_work(
    outputs: tuple[Tensor, ...],
    cond: Tensor,
    *,
    then_branch: BodyWork | None = None,
    else_branch: BodyWork | None = None,
) -> Work:
    # Only the branches that can run were applied.
    possible = [branch.work for branch in (then_branch, else_branch) if branch is not None]
    return max(possible, key=lambda work: (work.macs, work.flops))


def if_reads(
    outputs: tuple[Tensor, ...], cond: Tensor, *, then_branch: Subgraph, else_branch: Subgraph
) -> tuple[Through, ...]:
    behind = tuple((k, None) for k in range(len(outputs)))
    branches = {"then_branch": then_branch, "else_branch": else_branch}
    return tuple(
        Through(name, (), behind) for name, branch in branches.items() if branch.outputs is not None
    )


define("If", kind="control flow", infer=if_output, work=if_work, reads=if_reads)
