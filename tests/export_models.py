"""Models for the tests of exports: hostile names, functions, subgraphs, and what hides a node's name."""

from __future__ import annotations

import onnx
import onnx.parser
from onnx import helper

#: what is markup, a command or an escape somewhere
HOSTILE = [
    'say "hi"', "-->", "]]>", "two\nlines", "\x1b[31mred", "</script><script>alert(1)</script>",
    "key: [x\n---\n", "##vso[task]x", "::error::x", "`rm`", "ends in \\", "#quot;&quot;", "1. item",
    "end", "<b>bold</b>", "%%{init: {}}%%", "a|b", "${x}", "<!-- x", "\u202eleft", "@all", "é漢😀", "* x",
]  # fmt: skip

FUNCTIONS = """<ir_version: 8, opset_import: ["": 17, "f": 1]>
g (float[1,3,8,8] x, bool c) => (float[1,3,8,8] y) {
  [a] h = f.twice(x)
  [b] k = f.twice(h)
  [i] y = If (c) <
    then_branch = t () => (float[1,3,8,8] u) { [r] u = Relu(k) },
    else_branch = e () => (float[1,3,8,8] w) { [q] w = f.once(k) }
  >
}
<domain: "f", opset_import: ["": 17, "f": 1]> twice (x) => (z) { [o] y = f.once(x)  [p] z = f.once(y) }
<domain: "f", opset_import: ["": 17]> once (x) => (y) { [s] y = Sigmoid(x) }
"""

#: as ONNX allows: no name, one name twice, a name in a function as in the main graph
NAMELESS = """<ir_version: 8, opset_import: ["": 17, "f": 1]>
g (float[1,4] x) => (float[1,4] z) {
  y1 = Relu(x)
  [same] y2 = Tanh(y1)
  [same] y3 = Sigmoid(y2)
  [inner] y4 = f.twice(y3)
  z = Neg(y4)
}
<domain: "f", opset_import: ["": 17]> twice (x) => (y) { [inner] t = Relu(x)  y = Neg(t) }
"""


#: an If with an If and a Loop in it, and a Loop with a Loop and an If in it
NESTED = """<ir_version: 8, opset_import: ["": 17]>
g (float[1,4] x, bool c, int64 n) => (float[1,4] y) {
  [if] h = If (c) <
    then_branch = a () => (float[1,4] u) {
      [again] v = If (c) <
        then_branch = b () => (float[1,4] p) { [deep] p = Relu(x) },
        else_branch = d () => (float[1,4] q) { q = Tanh(x) }
      >
      [turn] u = Loop (n, c, v) <
        body = e (int64 i, bool t, float[1,4] s) => (bool o, float[1,4] r)
        { o = Identity(t)  [step] r = Sigmoid(s) }
      >
    },
    else_branch = f () => (float[1,4] w) { [deep] w = Neg(x) }
  >
  [loop] y = Loop (n, c, h) <
    body = k (int64 i2, bool t2, float[1,4] s2) => (bool o2, float[1,4] r2) {
      o2 = Identity(t2)
      [choice] m = If (t2) <
        then_branch = l () => (float[1,4] u3) { [inside] u3 = Relu(s2) },
        else_branch = z () => (float[1,4] w3) { [inside] w3 = Tanh(s2) }
      >
      [within] r2 = Loop (n, t2, m) <
        body = j (int64 i4, bool t4, float[1,4] s4) => (bool o4, float[1,4] r4)
        { o4 = Identity(t4)  r4 = Sigmoid(s4) }
      >
    }
  >
}
"""


def nested() -> onnx.ModelProto:
    """Subgraphs in subgraphs."""
    return onnx.parser.parse_model(NESTED)


def functions() -> onnx.ModelProto:
    """Functions called twice, one within the other and in a branch; every node is 192 or 384 FLOPs."""
    return onnx.parser.parse_model(FUNCTIONS)


def nameless() -> onnx.ModelProto:
    """Nodes without a name of their own."""
    return onnx.parser.parse_model(NAMELESS)


def hostile() -> onnx.ModelProto:
    """Relu after Relu, with hostile names of nodes, tensors, ends and the graph; half of them in modules."""
    ends = [f"{name} in" for name in HOSTILE[:1]] + HOSTILE
    nodes = [
        helper.make_node(
            "Relu", [ends[i]], [ends[i + 1]], name=f"/{name}/{name}" if i % 2 else name
        )
        for i, name in enumerate(HOSTILE)
    ]
    shape = (onnx.TensorProto.FLOAT, [1, 4])
    graph = helper.make_graph(
        nodes, HOSTILE[2],
        [helper.make_tensor_value_info(ends[0], *shape)], [helper.make_tensor_value_info(ends[-1], *shape)],
    )  # fmt: skip
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def convolutions() -> onnx.ModelProto:
    """Two convolutions in modules, their weights in the file: 16 x 3 x 3 x 3 and 8 x 16 x 1 x 1."""
    import numpy as np

    random = np.random.default_rng(0)
    weights = {
        "stem.conv.weight": (16, 3, 3, 3), "head.conv.weight": (8, 16, 1, 1),
    }  # fmt: skip
    nodes = [
        helper.make_node(
            "Conv", ["x", "stem.conv.weight"], ["a"], name="/stem/conv/Conv",
            pads=[1] * 4, kernel_shape=[3, 3],
        ),
        helper.make_node("Relu", ["a"], ["b"], name="/stem/act/Relu"),
        helper.make_node(
            "Conv", ["b", "head.conv.weight"], ["y"], name="/head/conv/Conv", kernel_shape=[1, 1]
        ),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "two",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 8, 32, 32])],
        [
            onnx.numpy_helper.from_array(random.standard_normal(shape).astype(np.float32), name)
            for name, shape in weights.items()
        ],
    )  # fmt: skip
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
