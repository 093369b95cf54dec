"""What should cnnscope say about the networks in ``sample_models``?

One row per file. Counts are exact; beside each stands what somebody else printed, to the digits
they printed it, and where. Macs: products of convolutions, linear layers and attention, without
biases, padded taps included. A field follows Araujo, Norris & Sim (Distill 2019): unit ``u`` of a
layer sees ``size`` inputs from ``u * step - padding``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quote:
    """A number that somebody else printed, and half a unit of the last digit they printed."""

    value: int
    source: str
    rounding: int = 0


@dataclass(frozen=True)
class Seen:
    """The receptive field of one layer along one axis of the network's input.

    ``everything`` says that a path through a global operator makes the field the whole axis; size,
    step and padding are then those of the other paths, or None where there are none. A padding of
    None means that it differs from unit to unit, as after an upsampling; size is then the largest.
    """

    layer: str
    axis: int
    size: int | None
    step: int | None
    padding: int | None
    source: str
    everything: bool = False


@dataclass(frozen=True)
class Landmark:
    name: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    params: int
    buffers: int  # running means and variances of batch normalisation
    macs: int
    quoted_params: Quote | None
    quoted_macs: Quote | None
    fields: tuple[Seen, ...]


def torchvision(weights: str) -> str:
    return f"torchvision, {weights}.IMAGENET1K_V1.meta"


AUTOGRAD = "float64 autograd on torchvision's network, every unit's non-zero input gradients"
RECURRENCE = "the recurrences of Araujo, Norris & Sim, Distill 2019, by hand"
DISTILL = "Araujo, Norris & Sim, Distill 2019, table of networks"
RICHTER = "rfa-toolbox README: input_resolution_range of torchvision's ResNet-50, (427, 427)"
LONG = "Long, Shelhamer & Darrell, CVPR 2015, table 1 (FCN-VGG16: rf size 404, max stride 32)"
OORD = (
    "van den Oord et al. 2016, section 2.1: a block of dilations 1, 2, ..., 512 has a receptive"
    " field of size 1024"
)
GLOBAL = "by construction: the layer averages over, or attends to, every position"

GIGA_3 = 500_000  # rounding of a figure in billions with three decimals

LANDMARKS = (
    Landmark(
        "lenet5",
        (1, 1, 32, 32),
        (1, 10),
        params=61_706,
        buffers=0,
        macs=416_520,
        quoted_params=Quote(61_706, "sum over the layers: 156 + 2,416 + 48,120 + 10,164 + 850"),
        quoted_macs=Quote(416_520, "fvcore 0.1.5 and torch.utils.flop_counter on the same network"),
        fields=(
            Seen("/conv1/Conv", 2, 5, 1, 0, AUTOGRAD),
            Seen("/pool1/AveragePool", 2, 6, 2, 0, AUTOGRAD),
            Seen("/conv2/Conv", 2, 14, 2, 0, AUTOGRAD),
            Seen("/pool2/AveragePool", 3, 16, 4, 0, AUTOGRAD),
        ),
    ),
    Landmark(
        "alexnet",
        (1, 3, 224, 224),
        (1, 1000),
        params=61_100_840,
        buffers=0,
        macs=714_188_480,
        quoted_params=Quote(61_100_840, torchvision("AlexNet_Weights")),
        quoted_macs=Quote(714_000_000, torchvision("AlexNet_Weights"), GIGA_3),
        fields=(
            Seen("/features/conv1/Conv", 2, 11, 4, 2, AUTOGRAD),
            Seen("/features/pool2/MaxPool", 2, 67, 16, 18, AUTOGRAD),
            # Distill's alexnet_v2 leaves out the first pad of 2, so its padding is 64.
            Seen("/features/pool5/MaxPool", 2, 195, 32, 66, f"{DISTILL} (195, 32); {AUTOGRAD}"),
        ),
    ),
    Landmark(
        "vgg16",
        (1, 3, 224, 224),
        (1, 1000),
        params=138_357_544,
        buffers=0,
        macs=15_470_264_320,
        quoted_params=Quote(138_357_544, torchvision("VGG16_Weights")),
        quoted_macs=Quote(15_470_000_000, torchvision("VGG16_Weights"), GIGA_3),
        fields=(
            Seen("/features/conv5_3/Conv", 2, 196, 16, 90, AUTOGRAD),
            Seen("/features/pool5/MaxPool", 2, 212, 32, 90, DISTILL),
        ),
    ),
    Landmark(
        "googlenet",
        (1, 3, 224, 224),
        (1, 1000),
        params=6_624_904,
        buffers=14_560,
        macs=1_498_376_192,
        quoted_params=Quote(6_624_904, torchvision("GoogLeNet_Weights")),
        quoted_macs=Quote(1_498_000_000, torchvision("GoogLeNet_Weights"), GIGA_3),
        fields=(
            Seen("/maxpool2/MaxPool", 2, 27, 8, 7, AUTOGRAD),
            Seen("/inception3b/concat/Concat", 2, 59, 8, 23, AUTOGRAD),
            Seen("/inception4e/concat/Concat", 2, 235, 16, 103, AUTOGRAD),
            Seen("/inception5b/concat/Concat", 2, 379, 32, 167, AUTOGRAD),
        ),
    ),
    Landmark(
        "resnet50",
        (1, 3, 224, 224),
        (1, 1000),
        params=25_557_032,
        buffers=53_120,
        macs=4_089_184_256,
        quoted_params=Quote(25_557_032, torchvision("ResNet50_Weights")),
        quoted_macs=Quote(4_089_000_000, torchvision("ResNet50_Weights"), GIGA_3),
        fields=(
            Seen("/maxpool/MaxPool", 2, 11, 4, 5, AUTOGRAD),
            Seen("/layer1/2/relu3/Relu", 2, 35, 4, 17, AUTOGRAD),
            Seen("/layer2/3/relu3/Relu", 2, 91, 8, 45, AUTOGRAD),
            Seen("/layer3/5/relu3/Relu", 3, 267, 16, 133, AUTOGRAD),
            Seen("/layer4/2/conv3/Conv", 2, 427, 32, 213, f"{RICHTER}; {AUTOGRAD}"),
            Seen("/layer4/2/relu3/Relu", 2, 427, 32, 213, AUTOGRAD),
            Seen("/avgpool/GlobalAveragePool", 2, None, None, None, GLOBAL, everything=True),
        ),
    ),
    Landmark(
        "densenet121",
        (1, 3, 224, 224),
        (1, 1000),
        params=7_978_856,
        buffers=83_648,
        macs=2_834_161_664,
        quoted_params=Quote(7_978_856, torchvision("DenseNet121_Weights")),
        quoted_macs=Quote(2_834_000_000, torchvision("DenseNet121_Weights"), GIGA_3),
        fields=(
            Seen("/pool0/MaxPool", 2, 11, 4, 5, AUTOGRAD),
            Seen("/block1/Concat", 2, 59, 4, 29, AUTOGRAD),
            Seen("/block2/Concat", 2, 255, 8, 125, AUTOGRAD),
            Seen("/block3/Concat", 2, 1031, 16, 509, AUTOGRAD),
            Seen("/block4/Concat", 2, 2071, 32, 1021, AUTOGRAD),
        ),
    ),
    Landmark(
        "mobilenet_v2",
        (1, 3, 224, 224),
        (1, 1000),
        params=3_504_872,
        buffers=34_112,
        macs=300_774_272,
        quoted_params=Quote(3_504_872, torchvision("MobileNet_V2_Weights")),
        quoted_macs=Quote(301_000_000, torchvision("MobileNet_V2_Weights"), GIGA_3),
        fields=(
            Seen("/features/1/project/conv/Conv", 2, 7, 2, 3, AUTOGRAD),
            Seen("/features/7/project/conv/Conv", 2, 75, 16, 37, AUTOGRAD),
            Seen("/features/16/add/Add", 2, 427, 32, 213, AUTOGRAD),
            Seen("/features/18/relu6/Clip", 3, 491, 32, 245, AUTOGRAD),
        ),
    ),
    Landmark(
        "xception",
        (1, 3, 299, 299),
        (1, 1000),
        params=22_855_952,
        buffers=54_528,
        macs=8_357_403_496,
        quoted_params=Quote(22_860_000, "timm, results-imagenet.csv, legacy_xception", 5_000),
        quoted_macs=Quote(8_400_000_000, "timm, results-imagenet.csv, legacy_xception", 50_000_000),
        fields=(
            Seen("/block1/add/Add", 2, 19, 4, 6, RECURRENCE),
            Seen("/block11/add/Add", 2, 859, 16, 426, RECURRENCE),
            Seen("/relu4/Relu", 2, 1083, 32, 538, RECURRENCE),
        ),
    ),
    Landmark(
        "efficientnet_b0",
        (1, 3, 224, 224),
        (1, 1000),
        params=5_288_548,
        buffers=42_016,
        macs=385_814_752,
        quoted_params=Quote(5_288_548, torchvision("EfficientNet_B0_Weights")),
        quoted_macs=Quote(386_000_000, torchvision("EfficientNet_B0_Weights"), GIGA_3),
        fields=(
            Seen("/features/1/0/depthwise/conv/Conv", 2, 7, 2, 3, RECURRENCE),
            Seen("/features/1/0/se/scale/Mul", 2, 7, 2, 3, RECURRENCE, everything=True),
            Seen("/features/8/silu/Mul", 2, 851, 32, 425, RECURRENCE, everything=True),
        ),
    ),
    Landmark(
        "fcn8s",
        (1, 3, 500, 500),
        (1, 21, 500, 500),
        params=134_489_759,
        buffers=0,
        macs=181_529_034_048,
        # Table 1 of the paper prints 134M; the layers of voc-fcn8s sum to the number below.
        quoted_params=Quote(134_489_759, "YBIGTA/DL_Models README, FCN in PyTorch"),
        quoted_macs=None,
        fields=(
            Seen("/pool5/MaxPool", 2, 212, 32, 189, f"{DISTILL} (212, 32), pad 100 instead of 1"),
            Seen("/relu7/Relu", 2, 404, 32, 189, LONG),
            Seen("/score/Slice", 2, 468, 1, None, f"{RECURRENCE}, unit by unit from upscore2 on"),
        ),
    ),
    Landmark(
        "unet",
        (1, 1, 572, 572),
        (1, 2, 388, 388),
        params=31_030_658,
        buffers=0,
        macs=150_428_424_448,
        quoted_params=Quote(31_030_658, "gchlebus' TensorFlow U-Net, doctest of parameter_count"),
        quoted_macs=None,
        fields=(
            Seen("/down4/relu2/Relu", 2, 68, 8, 0, RECURRENCE),
            Seen("/bottom/relu2/Relu", 2, 140, 16, 0, RECURRENCE),
            Seen("/classes/Conv", 2, 204, 1, None, f"{RECURRENCE}, unit by unit from up4 on"),
        ),
    ),
    Landmark(
        "deeplabv3_resnet50",
        (1, 3, 520, 520),
        (1, 21, 520, 520),
        params=39_638_869,
        buffers=56_704,
        macs=168_731_205_888,
        # Published with the auxiliary head (1024 -> 256 -> 21), which is taken off here.
        quoted_params=Quote(
            42_004_074 - (1024 * 256 * 9 + 2 * 256 + 256 * 21 + 21),
            "torchvision, DeepLabV3_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1.meta",
        ),
        quoted_macs=Quote(
            178_722_000_000 - 65 * 65 * (1024 * 256 * 9 + 256 * 21),
            "torchvision, DeepLabV3_ResNet50_Weights.COCO_WITH_VOC_LABELS_V1.meta",
            GIGA_3,
        ),
        fields=(
            Seen("/backbone/layer3/5/relu3/Relu", 2, 267, 8, 133, AUTOGRAD),
            Seen("/backbone/layer4/2/relu3/Relu", 2, 427, 8, 213, AUTOGRAD),
            Seen("/classifier/aspp/rate36/relu/Relu", 2, 1003, 8, 501, RECURRENCE),
            Seen("/classifier/aspp/concat/Concat", 2, 1003, 8, 501, RECURRENCE, everything=True),
        ),
    ),
    Landmark(
        "wavenet",
        (1, 256, 16000),
        (1, 256, 16000),
        params=1_263_232,
        buffers=0,
        macs=19_988_480_000,
        # Nobody prints counts for these widths: an embedding, 30 layers of dilated and skip, 29 of
        # them with a residual, two 1x1 at the end.
        quoted_params=Quote(
            (256 * 64 + 64)
            + 30 * (64 * 128 * 2 + 128 + 64 * 256 + 256)
            + 29 * (64 * 64 + 64)
            + 2 * (256 * 256 + 256),
            "sum over the layers",
        ),
        quoted_macs=Quote(
            16000 * (256 * 64 + 30 * (64 * 128 * 2 + 64 * 256) + 29 * 64 * 64 + 2 * 256 * 256),
            "sum over the layers",
        ),
        fields=(
            Seen("/stack0/0/dilated/Conv", 2, 2, 1, 1, RECURRENCE),
            Seen("/stack0/9/dilated/Conv", 2, 1024, 1, 1023, OORD),
            Seen("/stack1/9/dilated/Conv", 2, 2047, 1, 2046, RECURRENCE),
            Seen("/post2/Conv", 2, 3070, 1, 3069, RECURRENCE),
        ),
    ),
    Landmark(
        "c3d",
        (1, 3, 16, 112, 112),
        (1, 487),
        params=79_991_015,
        buffers=0,
        macs=38_548_959_232,
        # Also 78,409,573 with the 101 classes of UCF-101 (MMAction2, configs/recognition/c3d).
        quoted_params=Quote(79_991_015, "Keras summary of C3D on Sports-1M (c3d-keras ports)"),
        # MMAction2's counter adds conv biases, ReLU outputs and pool inputs; fc8 has 101 classes.
        quoted_macs=Quote(
            38_615_475_200 - 23_382_016 - 23_390_208 - 21_324_800 + 4096 * (487 - 101),
            "MMAction2, configs/recognition/c3d/metafile.yml: FLOPs 38615475200",
        ),
        fields=(
            Seen("/relu5b/Relu", 2, 68, 8, 30, RECURRENCE),
            Seen("/relu5b/Relu", 3, 134, 16, 59, RECURRENCE),
            Seen("/pool5/MaxPool", 2, 76, 16, 30, RECURRENCE),
            Seen("/pool5/MaxPool", 4, 150, 32, 75, RECURRENCE),
        ),
    ),
    Landmark(
        "vit_b_16",
        (1, 3, 224, 224),
        (1, 1000),
        params=86_567_656,
        buffers=0,
        macs=17_563_828_224,
        quoted_params=Quote(86_567_656, torchvision("ViT_B_16_Weights")),
        quoted_macs=Quote(17_564_000_000, torchvision("ViT_B_16_Weights"), GIGA_3),
        fields=(
            Seen("/conv_proj/Conv", 2, 16, 16, 0, "Dosovitskiy et al. 2021: patches of 16 x 16"),
            Seen(
                "/encoder/layers/0/self_attention/context/MatMul",
                2, None, None, None, GLOBAL, everything=True,
            ),
        ),
    ),
)  # fmt: skip
