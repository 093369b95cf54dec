"""Is a length refused at which positions made of it lie beyond the stored table that they pick from?

ONNX Runtime runs each network at consecutive lengths, and says of which one an index is out of bounds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import numpy as np
import onnx
import pytest
from amounts import amount
from network_writer import NetworkWriter
from onnx import TensorProto, helper

import cnnscope

onnxruntime = pytest.importorskip("onnxruntime", reason="sizes are proved by running them")


def runs(model: onnx.ModelProto, lengths: Iterable[int]) -> list[int]:
    """The lengths at which ONNX Runtime runs it, as it is written: optimised, it makes a Slice of a Gather
    at a Range, which asks for no length."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    found = []
    for n in lengths:
        try:
            session.run(None, {"x": np.zeros((1, n, 3), np.float32)})
            found.append(n)
        except Exception:  # noqa: BLE001  # whatever it raises
            pass
    return found


class Positions(NetworkWriter):
    """A network on maps of ``1 x L x 3``, and what positions are made of in it."""

    def length(self) -> str:
        return self.add("Squeeze", self.add("Shape", "x", start=1, end=2), self.keep([0]))

    def rising(self, first: int = 0, step: int = 1) -> str:
        """As many numbers as there are steps, from `first` on."""
        last = self.add("Mul", self.length(), self.keep(step))
        last = self.add("Add", last, self.keep(first))
        return self.add("Range", self.keep(first), last, self.keep(step))

    def picks(self, indices: str, rows: int, op: str = "Gather") -> onnx.ModelProto:
        """The network that looks up a stored table of so many rows."""
        table = self.keep(np.zeros((rows, 3)), np.float32)
        if op == "Gather":
            y = self.add(op, table, indices)
        elif op == "GatherND":
            y = self.add(op, table, self.add("Unsqueeze", indices, self.keep([-1])))
        elif op == "GatherElements":
            y = self.add(op, self.keep(np.zeros(rows), np.float32), self.flat(indices), axis=0)
        else:
            indices = self.flat(indices)
            updates = self.add("Cast", indices, to=TensorProto.FLOAT)
            table = self.keep(np.zeros(rows), np.float32)
            if op == "ScatterND":
                indices = self.add("Unsqueeze", indices, self.keep([-1]))
            y = self.add(op, table, indices, updates)
        return self.model(["B", "L", 3], [y], 18)

    def flat(self, x: str) -> str:
        return self.add("Reshape", x, self.keep([-1]))


ROWS = 12
#: what is made of the positions 0 to L - 1, and up to which L all lie in a table of 12 rows
KNOWN: dict[str, tuple[Callable[[Positions], str], int]] = {
    "as they are": (lambda w: w.rising(), 12),
    "behind two for padding": (lambda w: w.rising(2), 10),
    "two added": (lambda w: w.add("Add", w.rising(), w.keep([2])), 10),
    "every third": (lambda w: w.rising(0, 3), 4),
    "falling from 7": (lambda w: w.rising(7, -1), 20),
    "as int32": (lambda w: w.add("Cast", w.rising(), to=TensorProto.INT32), 12),
    "by way of floating point": (
        lambda w: w.add(
            "Cast", w.add("Cast", w.rising(1), to=TensorProto.FLOAT), to=TensorProto.INT64
        ),
        11,
    ),
    "a batch of them": (
        lambda w: w.add(
            "Expand",
            w.add("Unsqueeze", w.rising(), w.keep([0])),
            w.add("Shape", "x", start=0, end=2),
        ),
        12,
    ),
    "how far apart": (
        lambda w: w.add(
            "Add",
            w.add(
                "Sub",
                w.add("Unsqueeze", w.rising(), w.keep([1])),
                w.add("Unsqueeze", w.rising(), w.keep([0])),
            ),
            w.keep(5),
        ),
        7,
    ),
    "counted": (
        lambda w: w.add("CumSum", w.add("Expand", w.keep([1]), w.flat(w.length())), w.keep(0)),
        11,
    ),
    "all but the first": (
        lambda w: w.add("Slice", w.rising(), w.keep([1]), w.keep([2**31 - 1])),
        12,
    ),
    "clipped": (lambda w: w.add("Clip", w.rising(), w.keep(0), w.keep(11)), 99),
}


@pytest.mark.parametrize("name", KNOWN)
def test_positions_in_a_table(name: str) -> None:
    made, most = KNOWN[name]
    w = Positions()
    model = w.picks(made(w), ROWS)
    found = cnnscope.sizes(model)
    assert found.exact, found.doubts
    assert found["L"].lengths.within(1, 30) == runs(model, range(1, 31))
    assert found["L"].lengths.down(99) == most


@pytest.mark.parametrize(
    "op", ["GatherElements", "GatherND", "ScatterElements", "ScatterND", "Gather"]
)
def test_operators_that_take_places(op: str) -> None:
    w = Positions()
    model = w.picks(w.add("Sub", w.rising(), w.keep(14)), ROWS, op)  # -14, -13, ...
    found = cnnscope.sizes(model)
    assert not any(found.admits(B=1, L=n) for n in range(1, 31))
    assert runs(model, range(1, 31)) == []


@pytest.mark.parametrize("op", ["GatherElements", "GatherND", "ScatterElements", "ScatterND"])
def test_operators_that_take_places_from_behind(op: str) -> None:
    w = Positions()
    model = w.picks(w.add("Neg", w.rising(2)), ROWS, op)
    found = cnnscope.sizes(model)
    assert found.exact
    assert found["L"].lengths.within(1, 30) == runs(model, range(1, 31)) == list(range(1, 12))


@pytest.mark.parametrize("batch", [1, 5000])
def test_at_a_fixed_size(batch: int) -> None:
    """Written out or not, an index beyond the table is an error."""
    made, most = KNOWN["a batch of them"]
    for n in (most, most + 1):
        w = Positions()
        model = w.picks(made(w), ROWS)
        model.graph.input[0].CopyFrom(
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, n, 3])
        )
        said = [note.code for note in cnnscope.analyze(model).diagnostics]
        assert ("invalid-node" in said) == (n > most)


@pytest.mark.parametrize("op", ["EmbedLayerNormalization", "RotaryEmbedding"])
@pytest.mark.parametrize("given", [True, False])
def test_operators_with_a_table_of_positions(op: str, given: bool) -> None:
    """Six positions are stored; where none are given they are counted from 0."""
    w = Positions()
    ids = w.add("Unsqueeze", w.rising(), w.keep([0]))
    if op == "RotaryEmbedding":
        tables = [w.keep(np.zeros((6, 2)), np.float32) for _ in range(2)]
        x = w.add("Pad", "x", w.keep([0, 0, 0, 0, 0, 1]))  # four elements, in pairs
        offset = ids if given else w.keep([0])
        y = w.add(
            op, x, offset, *tables, domain="com.microsoft", num_heads=1, rotary_embedding_dim=4
        )
    else:
        words = w.add("Cast", w.add("Gather", "x", w.keep(0), axis=2), to=TensorProto.INT32)
        ids = w.add("Cast", ids, to=TensorProto.INT32)
        stored = [w.keep(np.zeros((rows, 3)), np.float32) for rows in (9, 6)]
        scale, shift = (w.keep(np.zeros(3), np.float32) for _ in range(2))
        behind = ["", ids] if given else []
        w.nodes.append(helper.make_node(op, [words, "", *stored, "", scale, shift, *behind], ["y", "m"],
                                        domain="com.microsoft"))  # fmt: skip
        y = "y"
    model = w.model([1, "L", 3], [y], 18)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    found = cnnscope.sizes(model)
    assert found.exact, found.doubts
    assert found["L"].lengths.within(1, 12) == runs(model, range(1, 13)) == [1, 2, 3, 4, 5, 6]


def test_a_stored_row_of_positions_cut_to_the_length() -> None:
    """From 100 steps on the row is shorter than the input; until then the table is."""
    w = Positions()
    row = w.add("Slice", w.keep(np.arange(99)), w.keep([0]), w.flat(w.length()))
    model = w.picks(row, ROWS)
    found = cnnscope.sizes(model)
    assert found["L"].lengths.down(99) == 12
    assert [n for n in range(1, 31) if found.admits(B=1, L=n)] == runs(model, range(1, 31))


def test_what_is_not_followed_is_said() -> None:
    w = Positions()
    far = w.add("Log", w.add("Cast", w.rising(1), to=TensorProto.FLOAT))
    found = cnnscope.sizes(w.picks(w.add("Cast", far, to=TensorProto.INT64), ROWS))
    assert not found.exact
    assert any("Gather" in doubt and "isn't followed" in doubt for doubt in found.doubts)


def test_positions_that_hang_on_data_may_lie_beyond() -> None:
    """Position ids that count what isn't padding: how many that is, only data tell."""
    w = Positions()
    first = w.add("Gather", "x", w.keep(0), axis=2)
    real = w.add("Not", w.add("Equal", first, w.keep(1, np.float32)))
    counted = w.add("CumSum", w.add("Cast", real, to=TensorProto.INT64), w.keep(1))
    found = cnnscope.sizes(w.picks(w.add("Add", counted, w.keep(1)), ROWS))
    assert not found.exact
    assert any("place L + 1 of 12" in doubt for doubt in found.doubts)


def test_places_that_data_give_are_taken_to_fit() -> None:
    w = Positions()
    found = cnnscope.sizes(w.picks(w.add("Cast", "x", to=TensorProto.INT64), ROWS))
    assert found.exact


def drawn(w: Positions, draw: random.Random) -> str:
    """Positions through operators drawn at random, of one axis."""
    x = w.rising(draw.randint(-3, 3), draw.choice([1, 1, 1, 2, 3, -1, -2]))
    for _ in range(draw.randint(1, 5)):
        c = w.keep(draw.randint(-4, 6))
        what = draw.choice([
            "Add", "Sub", "Mul", "Neg", "Abs", "Min", "Max", "Clip", "Mod", "Div", "Cast", "Tile",
            "Slice", "Concat", "Apart", "Turn", "Expand", "Where", "Itself", "Other", "Split",
        ])  # fmt: skip
        if what in ("Add", "Sub", "Mul", "Min", "Max"):
            x = w.add(what, *draw.sample([x, c], 2))
        elif what in ("Mod", "Div"):
            x = w.add(what, x, w.keep(draw.randint(1, 9)))
        elif what in ("Neg", "Abs"):
            x = w.add(what, x)
        elif what == "Clip":
            low = draw.randint(-5, 3)
            x = w.add(what, x, w.keep(low), w.keep(low + draw.randint(0, 12)))
        elif what == "Cast":
            x = w.add("Cast", w.add("Cast", x, to=draw.choice([1, 6, 11])), to=TensorProto.INT64)
        elif what == "Tile":
            x = w.add("Tile", x, w.keep([draw.randint(1, 3)]))
        elif what == "Slice":
            step = draw.choice([1, 1, 2, 3, -1])
            start, end = (
                (draw.randint(0, 3), draw.choice([-1, -2, 5, 2**31])) if step > 0 else (-1, -99)
            )
            x = w.add("Slice", x, w.keep([start]), w.keep([end]), w.keep([0]), w.keep([step]))
        elif what == "Concat":
            x = w.add("Concat", x, draw.choice([w.keep([3]), w.rising(draw.randint(0, 4))]), axis=0)
        elif what == "Apart":
            x = w.flat(w.add("Sub", w.add("Unsqueeze", x, w.keep([1])), x))
        elif what == "Turn":
            x = w.add(
                "Reshape", w.add("Transpose", w.add("Unsqueeze", x, w.keep([0]))), w.keep([-1])
            )
        elif what == "Expand":
            x = w.flat(w.add("Expand", x, w.keep([2, 1])))
        elif what == "Where":
            x = w.add("Where", w.add("Less", x, w.keep(4)), x, c)
        elif what == "Itself":
            x = w.add(draw.choice(["Add", "Sub", "Mul"]), x, x)
        elif what == "Other":
            x = w.flat(w.add(draw.choice(["Add", "Sub", "Mul", "Max", "Min"]), x,
                       w.add("Unsqueeze", w.rising(draw.randint(-2, 3)), w.keep([1]))))  # fmt: skip
        else:
            x = w.add(
                "CumSum", x, w.keep(0), exclusive=draw.randint(0, 1), reverse=draw.randint(0, 1)
            )
    return x


@pytest.mark.parametrize("seed", range(amount(30, 3000)))
def test_random_positions(seed: int) -> None:
    draw = random.Random(seed)
    w = Positions()
    x = drawn(w, draw)
    op = draw.choice(["Gather", "Gather", "GatherElements", "GatherND", "ScatterElements"])
    model = w.picks(x, draw.randint(3, 40), op)
    found = cnnscope.sizes(model)
    lengths = range(1, 25)
    if found.exact:
        taken = [n for n in lengths if found.admits(B=1, L=n)]
        assert taken == runs(model, lengths)
