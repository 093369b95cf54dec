"""What do ensembles of trees put out, and what work are they?

A comparison per node on the way to a leaf and an addition per weight there; how many, hangs on the
data.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import define
from cnnscope.analyzer.operators.families.feature_rows import (
    ML,
    TRANSFORMS,
    Labels,
    batch,
    classified,
    labelled,
    roles,
    rows_read,
    transformed,
)
from cnnscope.analyzer.operators.rules import Outputs
from cnnscope.analyzer.operators.work import Work
from cnnscope.analyzer.values.dimension import FreeDim
from cnnscope.analyzer.values.tensor import Tensor


def trees_output(x: Tensor, *, n_targets: int = 1) -> Tensor:
    return Tensor("float32", (batch(x), n_targets))


def trees_since_5_output(x: Tensor, *, n_targets: int = 1) -> Tensor:
    return x.of((batch(x), n_targets))


def tree_classes(
    x: Tensor, *, classlabels_strings: Labels = (), classlabels_int64s: tuple[int, ...] = ()
) -> tuple[Tensor, Tensor]:
    labels = labelled(classlabels_strings, classlabels_int64s)
    return classified(batch(x), labels, bool(classlabels_strings))


def trees_work(
    outputs: Outputs, x: Tensor, *, post_transform: str | int = "NONE", node_name: str = ""
) -> Work:
    """Which way a row takes through the trees, it says itself."""
    if isinstance(post_transform, int):
        # As TreeEnsemble numbers them.
        known = 0 <= post_transform < len(TRANSFORMS)
        post_transform = TRANSFORMS[post_transform] if known else "NONE"
    way = Work(
        compare=FreeDim.from_data(f"{node_name} nodes passed"),
        add=FreeDim.from_data(f"{node_name} weights of leaves"),
    )
    return way + transformed(outputs[-1].dims[-1], batch(x), post_transform)


NODES = (
    "nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids",
    "nodes_hitrates", "nodes_hitrates_as_tensor", "nodes_missing_value_tracks_true", "base_values",
    "base_values_as_tensor",
)  # fmt: skip
SPLITS = ("nodes_values", "nodes_values_as_tensor")


define("TreeEnsembleRegressor", domain=ML, kind="selection", infer=trees_output, work=trees_work,
       reads=rows_read,
       stores=roles((*SPLITS, "target_weights", "target_weights_as_tensor"),
                    (*NODES, "target_treeids", "target_nodeids", "target_ids")))  # fmt: skip
define("TreeEnsembleClassifier", domain=ML, kind="selection", infer=tree_classes, work=trees_work,
       reads=rows_read,
       stores=roles((*SPLITS, "class_weights", "class_weights_as_tensor"),
                    (*NODES, "class_treeids", "class_nodeids", "class_ids")))  # fmt: skip
define("TreeEnsemble", domain=ML, kind="selection", infer=trees_since_5_output, work=trees_work,
       reads=rows_read,
       stores=roles(("nodes_splits", "leaf_weights", "membership_values"),
                    (*NODES, "nodes_modes", "nodes_trueleafs", "nodes_falseleafs", "tree_roots",
                     "leaf_targetids")))  # fmt: skip
