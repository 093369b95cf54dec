"""Which papers and documents do rules of several files rest on?"""

from __future__ import annotations

DISTILL = (
    "Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks. Distill, "
    "2019. https://distill.pub/2019/computing-receptive-fields"
)
GUIDE = (
    "Dumoulin, Visin: A guide to convolution arithmetic for deep learning. 2016. arXiv:1603.07285"
)
MIND_THE_PAD = (
    "Alsallakh, Kokhlikyan, Miglani, Yuan, Reblitz-Richardson: Mind the Pad: CNNs Can Develop Blind "
    "Spots. ICLR 2021. arXiv:2010.02178"
)
ORT = (
    "ONNX Runtime: Graph optimizations. "
    "https://onnxruntime.ai/docs/performance/model-optimizations/graph-optimizations.html"
)
VGG = (
    "Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, "
    "section 2.3. ICLR 2015. arXiv:1409.1556"
)
