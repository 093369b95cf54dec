"""Containers and strings: what is known of the elements."""

from __future__ import annotations

import numpy as np
from single_node import assert_shapes, case, operator

from cnnscope.analyzer.dimension import FreeDim
from cnnscope.analyzer.tensor import Tensor

A, B = Tensor("float32", (2, 3)), Tensor("float32", (2, 5))


def call(op, *inputs, **attributes):
    found = operator(case(op))
    return found.call(found.infer, inputs, {"node_name": "node", **attributes})


def test_elements_that_differ():
    both = call("SequenceConstruct", A, B)
    assert (both.kind, both.length, both.element.shape[0]) == ("sequence", 2, 2)
    assert isinstance(call("ConcatFromSequence", both, axis=1).shape[1], FreeDim)
    assert call("ConcatFromSequence", both, axis=0).shape[0] == 4
    assert call("SequenceLength", both).numbers == [2]


def test_split_and_join():
    parts = call("SplitToSequence", Tensor("float32", (6, 3)))
    assert (parts.length, parts.element.shape) == (6, (1, 3))
    assert call("ConcatFromSequence", parts, axis=0).shape == (6, 3)
    grown = call("SequenceInsert", parts, Tensor("float32", (1, 3)))
    assert (grown.length, call("SequenceErase", grown).length) == (7, 6)
    assert call("SequenceAt", parts, Tensor("int64", ())).shape == (1, 3)
    assert call("SequenceInsert", call("SequenceEmpty"), A).element.shape == (2, 3)


def test_optionals():
    assert call("OptionalGetElement", call("Optional", A)).shape == (2, 3)
    assert not call("OptionalHasElement").value


def test_strings():
    words = np.array(["a b", "c"], object)
    assert_shapes(case("StringConcat", words, words))
    assert_shapes(case("RegexFullMatch", words, pattern="a.*"))
    assert call("StringSplit", Tensor("string", (2,)))[0].shape[0] == 2
