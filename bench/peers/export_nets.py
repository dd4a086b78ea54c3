"""Nets with random weights from PyTorch, with what torch.autograd says of them.

    python bench/peers/export_nets.py small bench/peers/fixtures     # committed: under 2 MB
    python bench/peers/export_nets.py torchvision FOLDER             # the real sizes, for bench/peers/compare.mjs

Needs torch, torchvision and onnx: a venv set up by ../shared/peers/install.sh. For each net it writes NAME.onnx (eval mode, batch
size free) and NAME.npz: `input`, `labels`, `logits`, `loss` (cross-entropy per sample), `grad_input` and `grad_<weight>`, the gradients
of the sum of losses. `training` is different: `<weight>` after two steps in training mode, by SGD with momentum and by AdamW.
"""

import io
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision.models as tv
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.squeezenet import Fire

CLASSES = 10


def shortcut(inputs, outputs, stride):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def head(channels):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES)]


def vgg():
    features = tv.vgg.make_layers([8, "M", 16, 16, "M", 16, "M"])
    return nn.Sequential(
        features, nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(), nn.Linear(32, CLASSES)
    ), (3, 16, 16)


def resnet():
    stem = [nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    blocks = [BasicBlock(8, 8), BasicBlock(8, 16, 2, shortcut(8, 16, 2))]
    return nn.Sequential(*stem, *blocks, *head(16)), (3, 33, 31)


def resnext():
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    narrow = dict(groups=4, base_width=32)
    blocks = [
        Bottleneck(16, 8, 1, shortcut(16, 32, 1), **narrow),
        Bottleneck(32, 8, 2, shortcut(32, 32, 2), **narrow),
    ]
    return nn.Sequential(*stem, *blocks, *head(32)), (3, 12, 12)


def densenet():
    return tv.DenseNet(6, (2, 2), 8, bn_size=2, num_classes=CLASSES), (3, 32, 32)


def mobilenet():
    settings = [[1, 8, 1, 1], [4, 16, 2, 2]]
    net = tv.MobileNetV2(CLASSES, width_mult=1.0, inverted_residual_setting=settings)
    # The last layers are 1,280 wide whatever the width.
    net.features[-1] = nn.Sequential(nn.Conv2d(16, 64, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU6())
    net.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(64, CLASSES))
    return net, (3, 24, 24)


def squeezenet():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(16, 4, 16, 16), Fire(32, 4, 16, 16), nn.MaxPool2d(3, 2, ceil_mode=True), Fire(32, 8, 16, 16),
        nn.Dropout(), nn.Conv2d(32, CLASSES, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    ), (3, 30, 30)  # fmt: skip


def audio():
    return nn.Sequential(
        nn.Conv1d(1, 16, 9, 4), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(4),
        nn.Conv1d(16, 24, 3, dilation=2, padding=1), nn.LeakyReLU(0.1), nn.AvgPool1d(3, 2, 1),
        nn.Conv1d(24, 24, 3, groups=4), nn.ELU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(24, CLASSES),
    ), (1, 400)  # fmt: skip


def mlp():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, 32), nn.GELU(), nn.LayerNorm(32),
        nn.Linear(32, 24), nn.Sigmoid(), nn.Linear(24, 16), nn.SiLU(), nn.Linear(16, CLASSES),
    ), (1, 8, 8)  # fmt: skip


SMALL = dict(vgg=vgg, resnet=resnet, resnext=resnext, densenet=densenet, mobilenet=mobilenet, squeezenet=squeezenet, audio=audio, mlp=mlp)

TORCHVISION = dict(
    vgg11_bn=(tv.vgg11_bn, 224), resnet18=(tv.resnet18, 96), resnet50=(tv.resnet50, 96),
    resnext50_32x4d=(tv.resnext50_32x4d, 96), densenet121=(tv.densenet121, 96), mobilenet_v2=(tv.mobilenet_v2, 96), squeezenet1_1=(tv.squeezenet1_1, 96),
)  # fmt: skip


def with_random_statistics(net):
    """Fresh nets have running statistics 0 and 1, which would hide mistakes, and equal biases, which the exporter would merge into one."""
    for module in net.modules():
        if getattr(module, "bias", None) is not None:
            nn.init.uniform_(module.bias, -0.1, 0.1)
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    return net


def write_onnx(net, x, path):
    buffer = io.BytesIO()
    # Unfolded and with training mode preserved, so that batch norms and the names of the weights stay.
    torch.onnx.export(
        net, (x,), buffer, dynamo=False, opset_version=17, do_constant_folding=False,
        training=torch.onnx.TrainingMode.PRESERVE, input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}},
    )  # fmt: skip
    path.write_bytes(buffer.getvalue())


def write_npz(path, arrays):
    arrays = {key: value.detach().numpy() for key, value in arrays.items()}
    # Random numbers in bulk don't get smaller.
    save = np.savez_compressed if sum(array.nbytes for array in arrays.values()) < 1e6 else np.savez
    save(path, **arrays)


def export(name, net, shape, folder):
    net = with_random_statistics(net).eval()
    x = torch.rand(2, *shape, requires_grad=True)
    logits = net(x)
    labels = torch.randint(logits.shape[1], (2,))
    loss = F.cross_entropy(logits, labels, reduction="none")
    loss.sum().backward()
    arrays = dict(input=x, labels=labels, logits=logits, loss=loss, grad_input=x.grad)
    arrays.update({f"grad_{key}": value.grad for key, value in net.named_parameters()})
    write_onnx(net, x, folder / f"{name}.onnx")
    # In large nets some ReLU's input is so near zero that rounding decides its side: float64 tells how far float32 can be trusted.
    exact = x.detach().double().requires_grad_()
    (arrays["exact_input"],) = torch.autograd.grad(F.cross_entropy(net.double()(exact), labels, reduction="sum"), exact)
    write_npz(folder / f"{name}.npz", arrays)


def export_training(folder):
    """Two steps in training mode on two batches. No bias before a batch norm: its gradient is rounding noise, which Adam makes large."""
    optimizers = dict(
        sgd=lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True),
        adamw=lambda weights: torch.optim.AdamW(weights, lr=0.01, weight_decay=0.05),
    )
    arrays = dict(input=torch.rand(2, 6, 3, 9, 9), labels=torch.randint(CLASSES, (2, 6)))
    for kind, optimizer_of in optimizers.items():
        torch.manual_seed(1)
        net = with_random_statistics(
            nn.Sequential(
                nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2, 2),
                nn.Conv2d(8, 12, 3, 1, 1, groups=2, bias=False), nn.BatchNorm2d(12, momentum=0.2), nn.ReLU(), nn.Flatten(), nn.Linear(48, CLASSES),
            )
        )  # fmt: skip
        write_onnx(net.eval(), arrays["input"][0], folder / "training.onnx")
        optimizer = optimizer_of(net.train().parameters())
        for step in range(2):
            loss = F.cross_entropy(net(arrays["input"][step]), arrays["labels"][step])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            arrays[f"{kind}/mean_loss/{step}"] = loss
        floats = {key: value for key, value in net.state_dict().items() if value.is_floating_point()}
        arrays.update({f"{kind}/{key}": value.clone() for key, value in floats.items()})
    write_npz(folder / "training.npz", arrays)


def main(kind, folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    nets = SMALL if kind == "small" else TORCHVISION
    for name, made in nets.items():
        torch.manual_seed(0)
        net, shape = made() if kind == "small" else (made[0](weights=None, num_classes=100), (3, made[1], made[1]))
        export(name, net, shape, folder)
        print(name, sum(weight.numel() for weight in net.parameters()), "weights")
    if kind == "small":
        torch.manual_seed(0)
        export_training(folder)


main(*sys.argv[1:])
