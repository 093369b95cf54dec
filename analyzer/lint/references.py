"""Which papers and documents do rules of several files rest on?"""

from __future__ import annotations

DISTILL = (
    "Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks. Distill, "
    "2019. https://distill.pub/2019/computing-receptive-fields"
)
ORT = (
    "ONNX Runtime: Graph optimizations. "
    "https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html"
)
VGG = (
    "Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, "
    "section 2.3. ICLR 2015. arXiv:1409.1556"
)
