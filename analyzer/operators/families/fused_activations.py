"""What work is an activation that another operator applies to what it makes, per element?"""

from __future__ import annotations

from cnnscope.analyzer.operators.work import NO_WORK, Work

#: by the name that an attribute has for it; an operator lists those that it knows
PER_ELEMENT = {
    "": NO_WORK,
    "none": NO_WORK,
    "Affine": Work(mul=1, add=1),
    "Clip": Work(compare=2),
    "Elu": Work(compare=1, exp=1, add=1, mul=1),
    # x * (a + a*tanh(x * (b*x*x + c)))
    "FastGelu": Work(exp=1, mul=5, add=2),
    "HardSigmoid": Work(mul=1, add=1, compare=2),
    "LeakyRelu": Work(compare=1, mul=1),
    "Relu": Work(compare=1),
    "ScaledTanh": Work(exp=1, mul=2),
    "Sigmoid": Work(exp=1),
    "Softplus": Work(exp=2, add=1),
    "Softsign": Work(compare=1, add=1, div=1),
    "Tanh": Work(exp=1),
    "ThresholdedRelu": Work(compare=1),
    "silu": Work(exp=1, mul=1),
    "swish": Work(exp=1, mul=1),
}
