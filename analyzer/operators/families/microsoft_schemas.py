"""What do the schemas of ONNX Runtime's own operators demand: inputs, dtypes, attributes?

Source: the `OpSchema`s that ONNX Runtime registers for com.microsoft and holds every node against.
Where they take float16, bfloat16 is taken, too: exporters write it before the schemas have it, and it
is no contradiction of sizes. QLinearConvTranspose has no schema there, and no row here.
"""

from __future__ import annotations

from cnnscope.analyzer.operators.definition import MICROSOFT
from cnnscope.analyzer.operators.schema_rows import schema_rows

# fmt: off
_SETS = {
    "floating": "bfloat16 float16 float32",
    "real": "bfloat16 float16 float32 float64",
    "byte": "int8 uint8",
    "short": "int16 uint16",
    "index": "int32 int64",
    "gemm": "bfloat16 float16 float32 float64 int32 int64 uint32 uint64",
    "float8": "bfloat16 float16 float32 float8_e4m3fn float8_e5m2",
    "cache": "bfloat16 float16 float32 float8_e4m3fn int8 uint8",
    "block":
        "float4_e2m1fn float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz int4 uint4 "
        "uint8",
    "packed": "bfloat16 float16 float32 uint8",
    "joined": "float32 int8 uint8",
    "quantized": "int16 int4 int8 uint16 uint4 uint8",
    "dequantized": "int16 int32 int4 int8 uint16 uint4 uint8",
    "any":
        "bfloat16 bool complex128 complex64 float16 float32 float64 int16 int32 int64 int8 "
        "string uint16 uint32 uint64 uint8",
}

schema_rows(MICROSOFT, (
    ("Attention",
     "floating floating floating? int32? floating? floating? int32?",
     "num_heads:int! do_rotary:int mask_filter_value:float past_present_share_buffer:int "
     "qkv_hidden_sizes:ints rotary_embedding_dim:int scale:float unidirectional:int"),
    ("BiasGelu", "real real", ""),
    ("ConvTransposeWithDynamicPads",
     "real real int64? real?",
     "auto_pad:string dilations:ints group:int kernel_shape:ints output_padding:ints "
     "strides:ints"),
    ("CropAndResize", "real real int32 int32", "extrapolation_value:float mode:string"),
    ("DecoderMaskedMultiHeadAttention",
     "floating floating? floating? int32? floating? floating? floating? int32? int32? int32? "
     "floating?",
     "num_heads:int! mask_filter_value:float output_qk:int past_present_share_buffer:int "
     "scale:float"),
    ("DequantizeLinear", "dequantized floating dequantized?", "axis:int"),
    ("DynamicQuantizeLSTM",
     "float32 byte byte float32? int32? float32? float32? float32? float32 byte float32 byte",
     "activation_alpha:floats activation_beta:floats activations:strings clip:float "
     "direction:string hidden_size:int input_forget:int"),
    ("DynamicQuantizeMatMul", "float32 byte float32 byte? float32?", ""),
    ("EmbedLayerNormalization",
     "int32 int32? floating floating floating? floating floating int32? int32?",
     "epsilon:float mask_index_type:int"),
    ("FastGelu", "real real?", ""),
    ("FusedConv",
     "real real real? real?",
     "activation:string activation_params:floats auto_pad:string dilations:ints group:int "
     "kernel_shape:ints pads:ints strides:ints"),
    ("FusedGemm",
     "gemm gemm gemm?",
     "activation:string activation_alpha:float activation_beta:float activation_gamma:float "
     "alpha:float beta:float transA:int transB:int"),
    ("FusedMatMul",
     "real real",
     "alpha:float transA:int transB:int transBatchA:int transBatchB:int"),
    ("FusedMatMulActivation",
     "real real",
     "activation:string! activation_alpha:float activation_axis:int activation_beta:float "
     "activation_gamma:float alpha:float transA:int transB:int transBatchA:int "
     "transBatchB:int"),
    ("GatedRelativePositionBias",
     "floating floating floating floating floating floating int32?",
     "num_heads:int!"),
    ("GatherBlockQuantized",
     "block index floating block?",
     "bits:int block_size:int gather_axis:int quantize_axis:int"),
    ("Gelu", "real", ""),
    ("GemmFastGelu", "floating floating floating?", ""),
    ("GemmFloat8",
     "float8.a float8.b floating? float32? float32? float32?",
     "activation:string alpha:float beta:float dtype:int transA:int transB:int"),
    ("GridSample", "any any", "align_corners:int mode:string padding_mode:string"),
    ("GroupNorm",
     "floating.a floating.b floating.b",
     "activation:int! groups:int! channels_last:int epsilon:float"),
    ("GroupQueryAttention",
     "floating floating? floating? cache? cache? int32 int32 floating? floating? int64? "
     "floating? floating? float32? float32? floating? floating?",
     "kv_num_heads:int! num_heads:int! causal:int do_rotary:int k_quant_type:string "
     "kv_cache_bit_width:int local_window_size:int qk_norm_epsilon:float qk_output:int "
     "rotary_interleaved:int scale:float sliding_window_cache:int smooth_softmax:int "
     "softcap:float v_quant_type:string"),
    ("Irfft", "real", "signal_ndim:int! normalized:int onesided:int"),
    ("MatMulBnb4",
     "floating uint8 floating",
     "K:int! N:int! block_size:int! quant_type:int! training_mode:int transB:int"),
    ("MatMulFpQ4", "float32 uint8 int64", "blk_quant_type:int"),
    ("MatMulInteger16", "short.a short.b", ""),
    ("MatMulIntegerToFloat", "byte.a byte.b floating floating byte.a? byte.b? floating?", ""),
    ("MatMulNBits",
     "floating uint8 floating packed? int32? floating?",
     "K:int! N:int! block_size:int! accuracy_level:int bits:int weight_prepacked:int"),
    ("MultiHeadAttention",
     "floating floating? floating? floating? int32? floating? floating? floating? int32? "
     "int32?",
     "num_heads:int! mask_filter_value:float scale:float unidirectional:int"),
    ("NhwcConv",
     "real real real?",
     "auto_pad:string dilations:ints group:int kernel_shape:ints pads:ints strides:ints"),
    ("NhwcFusedConv",
     "floating floating floating? floating?",
     "activation:string activation_params:floats auto_pad:string dilations:ints group:int "
     "kernel_shape:ints pads:ints strides:ints"),
    ("NhwcMaxPool",
     "byte",
     "kernel_shape:ints! auto_pad:string ceil_mode:int dilations:ints pads:ints strides:ints"),
    ("PackedAttention",
     "floating floating floating int32 int32 floating?",
     "num_heads:int! qkv_hidden_sizes:ints scale:float"),
    ("PackedMultiHeadAttention",
     "floating floating? floating? floating? int32 int32 floating?",
     "num_heads:int! mask_filter_value:float scale:float"),
    ("QAttention",
     "byte.a byte.b floating floating floating int32? byte.a? byte.b? floating?",
     "num_heads:int! do_rotary:int mask_filter_value:float past_present_share_buffer:int "
     "scale:float unidirectional:int"),
    ("QGemm",
     "byte.a float32 byte.a byte.b float32 byte.b int32? float32? byte.c?",
     "alpha:float transA:int transB:int"),
    ("QLinearAdd", "byte float32 byte? byte float32 byte? float32 byte?", ""),
    ("QLinearAveragePool",
     "byte float32 byte? float32 byte?",
     "kernel_shape:ints! auto_pad:string ceil_mode:int channels_last:int "
     "count_include_pad:int pads:ints strides:ints"),
    ("QLinearConcat", "float32 byte joined*", "axis:int!"),
    ("QLinearConv",
     "byte.a float32 byte.a byte.b float32 byte.b float32 byte.c int32?",
     "auto_pad:string channels_last:int dilations:ints group:int kernel_shape:ints pads:ints "
     "strides:ints"),
    ("QLinearGlobalAveragePool", "byte float32 byte float32 byte", "channels_last:int"),
    ("QLinearLeakyRelu", "byte float32 byte? float32 byte?", "alpha:float"),
    ("QLinearMul", "byte float32 byte? byte float32 byte? float32 byte?", ""),
    ("QLinearReduceMean", "byte float32 byte? float32 byte?", "axes:ints! keepdims:int!"),
    ("QLinearSigmoid", "byte float32 byte? float32 byte?", ""),
    ("QLinearSoftmax", "byte float32 byte? float32 byte", "opset:int! axis:int"),
    ("QLinearWhere", "bool byte float32 byte byte float32 byte float32 byte", ""),
    ("QuantizeLinear", "floating floating quantized?", "axis:int"),
    ("QuickGelu", "real", "alpha:float"),
    ("RelativePositionBias", "floating int64 int64", "max_distance:int! is_bidirectional:int"),
    ("Rfft", "real", "normalized:int onesided:int signal_ndim:int"),
    ("RotaryEmbedding",
     "floating int64 floating floating",
     "interleaved:int is_packed_batching:int num_heads:int rotary_embedding_dim:int "
     "scale:float"),
    ("SkipGroupNorm",
     "floating.a floating.b floating.b floating.a floating.a?",
     "activation:int! groups:int! channels_last:int epsilon:float"),
    ("SkipLayerNormalization", "floating floating floating floating? floating?", "epsilon:float"),
    ("SkipSimplifiedLayerNormalization", "floating floating floating floating?", "epsilon:float"),
    ("TransposeMatMul", "real real", "alpha:float transA:int transB:int"),
), _SETS)

# ONNX Runtime's, too, which writes it into ai.onnx and looks at no attributes but these
schema_rows("", (
    ("SimplifiedLayerNormalization", "real.a real.b", "axis:int epsilon:float stash_type:int ..."),
), _SETS)
