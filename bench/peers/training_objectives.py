"""What PyTorch says of the objectives that hardening trains: see src/autodiff/objectives.test.ts.

    python bench/peers/training_objectives.py bench/peers/fixtures     # committed

Needs torch and onnx. Writes objectives.onnx (a small net with random weights) and objectives.npz: clean inputs `x`, other points of theirs
`moved`, `labels`, and for each objective its value and its gradients with respect to the weights, NAME/<weight>:

    trades     cross-entropy of x plus 3 times KL(p(x) || p(moved)), as in arXiv 1901.08573 (batchmean)
    smoothed   torch.nn.CrossEntropyLoss(label_smoothing=0.2) of x
    penalty    0.7 times the mean squared norm of the loss's gradient with respect to x, by double backward
    clipped    cross-entropy of x, then torch.nn.utils.clip_grad_norm_(0.05)
"""

import io
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def trades(net, x, moved, labels):
    clean, other = net(x), net(moved)
    divergence = F.kl_div(F.log_softmax(other, 1), F.softmax(clean, 1), reduction="batchmean")
    return F.cross_entropy(clean, labels) + 3 * divergence


def smoothed(net, x, moved, labels):
    return F.cross_entropy(net(x), labels, label_smoothing=0.2)


def penalty(net, x, moved, labels):
    x = x.clone().requires_grad_()
    loss = F.cross_entropy(net(x), labels, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    return 0.7 * gradient.flatten(1).square().sum(1).mean()


def clipped(net, x, moved, labels):
    return F.cross_entropy(net(x), labels)


def main(folder):
    folder = Path(folder)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3, 2, 1), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 9, 12), nn.Tanh(), nn.Linear(12, 5))
    for module in net:
        if hasattr(module, "bias"):
            nn.init.uniform_(module.bias, -0.3, 0.3)
    x = torch.rand(6, 1, 6, 6)
    moved = (x + 0.2 * (torch.rand_like(x) - 0.5)).clamp(0, 1)
    labels = torch.randint(5, (6,))
    buffer = io.BytesIO()
    torch.onnx.export(
        net, (x,), buffer, dynamo=False, opset_version=17, do_constant_folding=False,
        input_names=["input"], output_names=["logits"], dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}},
    )  # fmt: skip
    (folder / "objectives.onnx").write_bytes(buffer.getvalue())
    arrays = dict(x=x, moved=moved, labels=labels)
    # float64, so that the reference has no rounding of its own.
    exact = net.double()
    for objective in (trades, smoothed, penalty, clipped):
        exact.zero_grad()
        loss = objective(exact, x.double(), moved.double(), labels)
        loss.backward()
        if objective is clipped:
            nn.utils.clip_grad_norm_(exact.parameters(), 0.05)
        arrays[objective.__name__] = loss.detach().float()
        arrays.update({f"{objective.__name__}/{key}": value.grad.float() for key, value in exact.named_parameters()})
    np.savez_compressed(folder / "objectives.npz", **{key: value.numpy() for key, value in arrays.items()})


main(*sys.argv[1:])
