"""Which operators can work with numbers that hang on free lengths, and how?

What a model reckons from `Shape` to a `Reshape` or `Resize` goes through these. Operators that aren't
here give unknowns that name the free dimensions. See `cnnscope.analyzer.values.reckoning`.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import reckons
from cnnscope.analyzer.values import reckoning as r

reckons("Add", "Sum", rule=r.each(r.folded(r.plus)))
reckons("Sub", rule=r.each(r.minus))
reckons("Mul", rule=r.each(r.times))
reckons("Div", rule=r.each(r.over))
reckons("Mod", rule=r.each(r.remainder), unless="fmod")
reckons("Max", rule=r.each(r.folded(r.larger)))
reckons("Min", rule=r.each(r.folded(r.smaller)))
reckons("Pow", rule=r.each(r.power))
reckons("Neg", rule=r.each(r.negative))
reckons("Abs", rule=r.each(r.absolute))
reckons("Sign", rule=r.each(r.sign))
reckons("Floor", rule=r.each(r.floor))
reckons("Ceil", rule=r.each(r.ceil))
reckons("Round", rule=r.each(r.nearest))
reckons("Cast", "CastLike", rule=r.cast)

reckons("Equal", rule=r.each(r.equals))
reckons("Greater", rule=r.each(r.exceeds))
reckons("Less", rule=r.each(r.falls_below))
reckons("GreaterOrEqual", rule=r.each(r.at_least))
reckons("LessOrEqual", rule=r.each(r.at_most))
reckons("And", rule=r.each(r.both))
reckons("Or", rule=r.each(r.either))
reckons("Not", rule=r.each(r.opposite))
reckons("Where", rule=r.each(r.chosen), joins=True)

reckons("ReduceSum", rule=r.reducing(r.plus))
reckons("ReduceProd", rule=r.reducing(r.times))
reckons("ReduceMax", rule=r.reducing(r.larger))
reckons("ReduceMin", rule=r.reducing(r.smaller))

reckons("Concat", rule=r.moving(), joins=True)
reckons("ScatterElements", "ScatterND", "Scatter", "Pad", rule=r.moving(0, 2), joins=True)
reckons(
    "Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Gather", "GatherElements",
    "GatherND", "Slice", "Split", "Expand", "Tile", "Compress", "Trilu", "ReverseSequence",
    rule=r.moving(0),
)  # fmt: skip
