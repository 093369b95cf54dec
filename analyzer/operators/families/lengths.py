"""Which operators can work with numbers that hang on free lengths, and how?

What a model reckons from `Shape` to a `Reshape` or `Resize` goes through these. Operators that aren't
here give unknowns that name the free dimensions. See `cnnscope.analyzer.values.reckoning` and `elements`.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.arithmetic import reckons
from cnnscope.analyzer.values import elements as e
from cnnscope.analyzer.values import reckoning as r

reckons("Add", "Sum", rule=r.each(r.folded(e.plus)))
reckons("Sub", rule=r.each(e.minus))
reckons("Mul", rule=r.each(e.times))
reckons("Div", rule=r.each(e.over))
reckons("Mod", rule=r.each(e.remainder), unless="fmod")
reckons("Max", rule=r.each(r.folded(e.larger)))
reckons("Min", rule=r.each(r.folded(e.smaller)))
reckons("Pow", rule=r.each(e.power))
reckons("Neg", rule=r.each(e.negative))
reckons("Abs", rule=r.each(e.absolute))
reckons("Sign", rule=r.each(e.sign))
reckons("Floor", rule=r.each(e.floor))
reckons("Ceil", rule=r.each(e.ceil))
reckons("Round", rule=r.each(e.nearest))
reckons("Cast", "CastLike", rule=r.cast)

reckons("Equal", rule=r.each(e.equals))
reckons("Greater", rule=r.each(e.exceeds))
reckons("Less", rule=r.each(e.falls_below))
reckons("GreaterOrEqual", rule=r.each(e.at_least))
reckons("LessOrEqual", rule=r.each(e.at_most))
reckons("And", rule=r.each(e.both))
reckons("Or", rule=r.each(e.either))
reckons("Not", rule=r.each(e.opposite))
reckons("Where", rule=r.each(e.chosen), joins=True)

reckons("ReduceSum", rule=r.reducing(e.plus))
reckons("ReduceProd", rule=r.reducing(e.times))
reckons("ReduceMax", rule=r.reducing(e.larger))
reckons("ReduceMin", rule=r.reducing(e.smaller))

reckons("Concat", rule=r.moving(), joins=True)
reckons("ScatterElements", "ScatterND", "Scatter", "Pad", rule=r.moving(0, 2), joins=True)
reckons(
    "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Gather", "GatherElements",
    "GatherND", "Slice", "Split", "Expand", "Tile", "Compress", "Trilu", "ReverseSequence",
    rule=r.moving(0),
)  # fmt: skip
