"""Which family says what of which operators? Written by `tests/test_family_index.py`, never by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

#: what a family's file says of an operator: its rules (`define`), how it works with lengths (`reckons`)
#: and numbers (`calculates`), what these lie between (`bounds`), what it demands
#: (`schema_rows`), how it may be spelled (`spell`)
What = Literal["define", "reckons", "calculates", "bounds", "schema_rows", "spell"]

FAMILIES: Final[Mapping[str, Mapping[tuple[What, str], str]]] = {
    "activation": {
        ("define", ""):
            "Celu Elu Gelu HardSigmoid HardSwish Hardmax LeakyRelu LogSoftmax Mish Relu Selu "
            "Shrink Sigmoid Softmax Softplus Softsign SwiGLU Swish Tanh ThresholdedRelu",
        ("define", "com.microsoft"): "BiasGelu FastGelu Gelu QuickGelu",
    },
    "affine_grid": {
        ("define", ""): "AffineGrid",
    },
    "attention": {
        ("define", ""): "Attention",
    },
    "batch_normalization": {
        ("define", ""): "BatchNormalization",
    },
    "calculations": {
        ("calculates", ""):
            "Add Cast Concat Div Equal Expand Gather Mul Reshape Slice Squeeze Sub Transpose "
            "Unsqueeze Where",
    },
    "causal_conv": {
        ("define", ""): "CausalConvWithState",
    },
    "compress": {
        ("define", ""): "Compress",
    },
    "concat": {
        ("define", ""): "Concat",
    },
    "constant": {
        ("define", ""):
            "Bernoulli Constant ConstantOfShape EyeLike Multinomial RandomNormal "
            "RandomNormalLike RandomUniform RandomUniformLike Range Shape Size",
    },
    "conv": {
        ("define", ""): "Conv",
        ("define", "com.microsoft"): "FusedConv NhwcConv NhwcFusedConv",
    },
    "conv_transpose": {
        ("define", ""): "ConvTranspose",
        ("define", "com.microsoft"): "ConvTransposeWithDynamicPads",
    },
    "deform_conv": {
        ("define", ""): "DeformConv",
    },
    "det": {
        ("define", ""): "Det",
    },
    "einsum": {
        ("define", ""): "Einsum",
    },
    "elementwise": {
        ("define", ""):
            "Abs Acos Acosh Add And Asin Asinh Atan Atanh BitCast BitShift BitwiseAnd "
            "BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Clip Cos Cosh Div Dropout Equal "
            "Erf Exp Floor Greater GreaterOrEqual Identity IsInf IsNaN Less LessOrEqual Log Max "
            "Mean Min Mod Mul Neg Not Or PRelu Pow Reciprocal Round Sign Sin Sinh Sqrt Sub Sum "
            "Tan Where Xor",
    },
    "embed_layer_normalization": {
        ("define", "com.microsoft"): "EmbedLayerNormalization",
    },
    "features": {
        ("define", "ai.onnx.ml"):
            "ArrayFeatureExtractor Binarizer FeatureVectorizer Imputer Normalizer Scaler",
    },
    "gather": {
        ("define", ""): "Gather GatherElements GatherND",
    },
    "gather_block_quantized": {
        ("define", "com.microsoft"): "GatherBlockQuantized",
    },
    "gemm": {
        ("define", ""): "Gemm",
        ("define", "com.microsoft"): "FusedGemm GemmFloat8",
    },
    "grid_sample": {
        ("define", ""): "GridSample",
        ("define", "com.microsoft"): "GridSample",
    },
    "group_normalization": {
        ("define", ""): "GroupNormalization InstanceNormalization",
        ("define", "com.microsoft"): "GroupNorm SkipGroupNorm",
    },
    "group_query_attention": {
        ("define", "com.microsoft"): "GroupQueryAttention",
    },
    "gru": {
        ("define", ""): "GRU",
    },
    "if_else": {
        ("define", ""): "If",
    },
    "image_decoder": {
        ("define", ""): "ImageDecoder",
    },
    "labels": {
        ("define", "ai.onnx.ml"):
            "CastMap CategoryMapper DictVectorizer LabelEncoder OneHotEncoder ZipMap",
    },
    "layer_normalization": {
        ("define", ""): "LayerNormalization RMSNormalization SimplifiedLayerNormalization",
        ("define", "com.microsoft"): "SkipLayerNormalization SkipSimplifiedLayerNormalization",
    },
    "lengths": {
        ("reckons", ""):
            "Abs Add And Cast CastLike Ceil Compress Concat Div Equal Expand Flatten Floor "
            "Gather GatherElements GatherND Greater GreaterOrEqual Identity Less LessOrEqual "
            "Max Min Mod Mul Neg Not Or Pad Pow ReduceMax ReduceMin ReduceProd ReduceSum "
            "Reshape ReverseSequence Round Scatter ScatterElements ScatterND Sign Slice Split "
            "Squeeze Sub Sum Tile Transpose Trilu Unsqueeze Where",
    },
    "linear_attention": {
        ("define", ""): "LinearAttention",
    },
    "linear_models": {
        ("define", "ai.onnx.ml"): "LinearClassifier LinearRegressor",
    },
    "loop": {
        ("define", ""): "Loop",
    },
    "loss": {
        ("define", ""): "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
    },
    "lstm": {
        ("define", ""): "LSTM",
        ("define", "com.microsoft"): "DynamicQuantizeLSTM",
    },
    "matmul": {
        ("define", ""): "MatMul",
        ("define", "com.microsoft"):
            "FusedMatMul FusedMatMulActivation GemmFastGelu TransposeMatMul",
    },
    "matmul_nbits": {
        ("define", "com.microsoft"): "MatMulBnb4 MatMulFpQ4 MatMulNBits",
    },
    "microsoft_schemas": {
        ("schema_rows", ""): "SimplifiedLayerNormalization",
        ("schema_rows", "com.microsoft"):
            "Attention BiasGelu ConvTransposeWithDynamicPads CropAndResize "
            "DecoderMaskedMultiHeadAttention DequantizeLinear DynamicQuantizeLSTM "
            "DynamicQuantizeMatMul EmbedLayerNormalization FastGelu FusedConv FusedGemm "
            "FusedMatMul FusedMatMulActivation GatedRelativePositionBias GatherBlockQuantized "
            "Gelu GemmFastGelu GemmFloat8 GridSample GroupNorm GroupQueryAttention Irfft "
            "MatMulBnb4 MatMulFpQ4 MatMulInteger16 MatMulIntegerToFloat MatMulNBits "
            "MultiHeadAttention NhwcConv NhwcFusedConv NhwcMaxPool PackedAttention "
            "PackedMultiHeadAttention QAttention QGemm QLinearAdd QLinearAveragePool "
            "QLinearConcat QLinearConv QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul "
            "QLinearReduceMean QLinearSigmoid QLinearSoftmax QLinearWhere QuantizeLinear "
            "QuickGelu RelativePositionBias Rfft RotaryEmbedding SkipGroupNorm "
            "SkipLayerNormalization SkipSimplifiedLayerNormalization TransposeMatMul",
    },
    "multi_head_attention": {
        ("define", "com.microsoft"): "DecoderMaskedMultiHeadAttention MultiHeadAttention",
    },
    "ngram": {
        ("define", ""): "TfIdfVectorizer",
    },
    "normalization": {
        ("define", ""): "LRN LpNormalization MeanVarianceNormalization",
    },
    "number_bounds": {
        ("bounds", ""):
            "Abs Add ArgMax ArgMin Cast CastLike Ceil Clip Compress Concat ConstantOfShape "
            "CumSum Div Expand Flatten Floor Gather GatherElements GatherND Identity Max Min "
            "Mod Mul Neg Range Reshape Round Slice Split Squeeze Sub Tile TopK Transpose "
            "Unsqueeze Where",
    },
    "one_hot": {
        ("define", ""): "OneHot",
    },
    "packed_attention": {
        ("define", "com.microsoft"): "PackedAttention PackedMultiHeadAttention",
    },
    "pad": {
        ("define", ""): "Pad",
    },
    "pool": {
        ("define", ""): "AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool",
        ("define", "com.microsoft"): "NhwcMaxPool QLinearAveragePool QLinearGlobalAveragePool",
    },
    "projected_attention": {
        ("define", "com.microsoft"): "Attention QAttention",
    },
    "qlinear": {
        ("define", "com.microsoft"):
            "QLinearAdd QLinearConcat QLinearLeakyRelu QLinearMul QLinearReduceMean "
            "QLinearSigmoid QLinearSoftmax QLinearWhere",
    },
    "qlinear_conv": {
        ("define", ""): "ConvInteger QLinearConv",
        ("define", "com.microsoft"): "QLinearConv QLinearConvTranspose",
    },
    "qlinear_matmul": {
        ("define", ""): "MatMulInteger QLinearMatMul",
        ("define", "com.microsoft"):
            "DynamicQuantizeMatMul MatMulInteger16 MatMulIntegerToFloat QGemm",
    },
    "quantization": {
        ("calculates", ""): "DequantizeLinear",
        ("calculates", "com.microsoft"): "DequantizeLinear",
        ("define", ""): "DequantizeLinear DynamicQuantizeLinear QuantizeLinear",
        ("define", "com.microsoft"): "DequantizeLinear QuantizeLinear",
    },
    "reduce": {
        ("define", ""):
            "ArgMax ArgMin CumProd CumSum ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp "
            "ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare",
    },
    "region_pooling": {
        ("define", ""): "MaxRoiPool RoiAlign",
        ("define", "com.microsoft"): "CropAndResize",
    },
    "relative_position_bias": {
        ("define", "com.microsoft"): "GatedRelativePositionBias RelativePositionBias",
    },
    "repeating": {
        ("define", ""): "Expand Tile",
    },
    "reshape": {
        ("define", ""): "Flatten Reshape",
    },
    "resize": {
        ("define", ""): "Resize Upsample",
    },
    "reverse_sequence": {
        ("define", ""): "ReverseSequence",
    },
    "rnn": {
        ("define", ""): "RNN",
    },
    "rotary_embedding": {
        ("define", ""): "RotaryEmbedding",
        ("define", "com.microsoft"): "RotaryEmbedding",
    },
    "scan": {
        ("define", ""): "Scan",
    },
    "scatter": {
        ("define", ""): "Scatter ScatterElements ScatterND TensorScatter",
    },
    "selection": {
        ("define", ""): "NonMaxSuppression NonZero TopK Unique",
    },
    "sequence": {
        ("define", ""):
            "ConcatFromSequence Optional OptionalGetElement OptionalHasElement SequenceAt "
            "SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength "
            "SplitToSequence",
    },
    "signal": {
        ("define", ""): "DFT STFT",
        ("define", "com.microsoft"): "Irfft Rfft",
    },
    "signal_windows": {
        ("define", ""): "BlackmanWindow HammingWindow HannWindow MelWeightMatrix",
    },
    "slicing": {
        ("define", ""): "Slice",
    },
    "space": {
        ("define", ""): "CenterCropPad Col2Im DepthToSpace SpaceToDepth",
    },
    "spellings": {
        ("spell", ""):
            "Add And BatchNormalization BitwiseAnd BitwiseOr BitwiseXor ConstantOfShape DFT "
            "Dropout Equal Expand GridSample Hardmax LogSoftmax Max Mean Min Mul OneHot Or Pad "
            "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin "
            "ReduceProd ReduceSum ReduceSumSquare Reshape Resize RoiAlign Scatter Slice Softmax "
            "Split Squeeze Sum Unsqueeze Upsample Xor",
    },
    "split": {
        ("define", ""): "Split",
    },
    "squeeze": {
        ("define", ""): "Squeeze Unsqueeze",
    },
    "support_vector_machines": {
        ("define", "ai.onnx.ml"): "SVMClassifier SVMRegressor",
    },
    "text": {
        ("define", ""): "RegexFullMatch StringConcat StringNormalizer StringSplit",
    },
    "transpose": {
        ("define", ""): "Transpose",
    },
    "tree_ensembles": {
        ("define", "ai.onnx.ml"): "TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor",
    },
    "trilu": {
        ("define", ""): "Trilu",
    },
    "unpool": {
        ("define", ""): "MaxUnpool",
    },
}  # fmt: skip
