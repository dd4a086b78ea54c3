"""FGSM as courses print it, run in PyTorch on a small net that ends in a Softmax.

    python bench/peers/fgsm_textbook.py bench/peers/fixtures     # committed: 60 kB

Needs torch and onnx: a venv set up by ../shared/peers/install.sh. Writes fgsm_textbook.onnx (the net, batch size free) and
fgsm_textbook.npz: `input`, `labels`, `probabilities`, `epsilon`, `exact_sign` (of the textbook's gradient in float64), and for each
loss `grad_LOSS` and `adversarial_LOSS`:

- `probabilities`: -log p_y, the cross-entropy of the probabilities that the net gives (`from_logits=False`): the textbook's.
- `twice`: torch's CrossEntropyLoss fed with probabilities. It takes them for logits, so the softmax is applied twice: the slip that
  many copies of the snippet make.

Mended against the common print: only p_y goes into the logarithm (with log(p) of all classes a p_j of 0 makes the gradient NaN); gradients of the sum of losses instead of the mean (the sign is the same, a sample's gradient does not depend on
its batch), no gradient kept from an earlier call, the net in eval mode.
"""

import io
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

CLASSES = 10
SAMPLES = 16
DRAWN = 2000
EPSILON = 8 / 255


def fgsm(model, loss_of, x, y, epsilon):
    """The snippet."""
    x = x.clone().detach().requires_grad_(True)
    loss = loss_of(model(x), y)
    (gradient,) = torch.autograd.grad(loss.sum(), x)
    adversarial = x + epsilon * gradient.sign()
    return gradient, torch.clamp(adversarial, 0, 1).detach()


LOSSES = dict(
    probabilities=lambda p, y: -torch.log(p.gather(1, y[:, None])[:, 0]),
    twice=lambda p, y: F.cross_entropy(p, y, reduction="none"),
)


def small_net():
    # The convolution never sees the last row and column: their gradient is exactly zero.
    net = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(72, CLASSES), nn.Softmax(dim=1))
    with torch.no_grad():
        # So that what the net is sure of spans everything from a guess to a probability of exactly 1.
        net[3].weight *= 160
    return net.eval()


def main(folder):
    torch.manual_seed(1)
    net = small_net()
    # Of many random inputs some from each rank of certainty, the surest among them.
    drawn = torch.rand(DRAWN, 3, 8, 8)
    ranks = net(drawn).detach().max(dim=1).values.argsort()
    x = drawn[ranks[torch.linspace(0, DRAWN - 1, SAMPLES).long()]]
    probabilities = net(x).detach()
    y = probabilities.argmax(dim=1)
    arrays = dict(input=x, labels=y, probabilities=probabilities, epsilon=torch.tensor(EPSILON))
    for name, loss_of in LOSSES.items():
        arrays[f"grad_{name}"], arrays[f"adversarial_{name}"] = fgsm(net, loss_of, x, y, EPSILON)
    exact, _ = fgsm(net.double(), LOSSES["probabilities"], x.double(), y, EPSILON)
    arrays["exact_sign"] = exact.sign().to(torch.int8)
    net.float()
    buffer = io.BytesIO()
    axes = {"input": {0: "N"}, "probabilities": {0: "N"}}
    torch.onnx.export(
        net, (x,), buffer, dynamo=False, opset_version=17, input_names=["input"], output_names=["probabilities"],
        dynamic_axes=axes,
    )  # fmt: skip
    folder = Path(folder)
    (folder / "fgsm_textbook.onnx").write_bytes(buffer.getvalue())
    np.savez_compressed(folder / "fgsm_textbook.npz", **{key: value.numpy() for key, value in arrays.items()})
    sure = probabilities.max(dim=1).values
    print("probabilities of the label:", [f"{value:.7f}" for value in sure.tolist()])
    print("saturated:", (sure == 1).nonzero().flatten().tolist())


main(sys.argv[1])
