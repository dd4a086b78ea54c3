"""Adversarial training and margin PGD in PyTorch, on the ONNX files and .npz data that `blindspot harden` takes.

    python bench/peers/harden.py train MODEL.onnx TRAIN.npz --test TEST.npz --method pgd --eps 0.3 --epochs 25
    python bench/peers/harden.py attack MODEL.onnx TEST.npz --eps 0.3 --steps 100 --restarts 5

Needs torch, onnx2torch and numpy. Both print one line of JSON. The recipe is that of src/defenses/methods.ts: the same inner attacks, AdamW with
PyTorch's defaults, a cosine with a tenth of warm-up, epsilon that grows over the first `--ramp` of the training, crafting in eval mode. Weights start from
the file, or afresh by He's normal distribution with --reinitialize. Order and noise are PyTorch's own: equal in distribution, not in bits.
"""

import argparse
import json
import math
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx2torch import convert


def load(path):
    arrays = np.load(path)
    x = torch.from_numpy(arrays["x"]).float() / 255
    x = x[:, None] if x.ndim == 3 else x.permute(0, 3, 1, 2) if x.shape[-1] in (1, 3) else x
    return x.contiguous(), torch.from_numpy(arrays["y"]).long()


def step(net, x, y, x0, alpha, eps):
    """One step of projected sign ascent of the cross-entropy; without projection where eps is None."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(net(x), y, reduction="sum"), x)
    x = x.detach() + alpha * gradient.sign()
    if eps is not None:
        x = torch.min(torch.max(x, x0 - eps), x0 + eps)
    return x.clamp(0, 1)


def noisy(x, eps):
    return (x + eps * (2 * torch.rand_like(x) - 1)).clamp(0, 1)


def craft(method, net, x, y, eps, steps):
    if method == "none":
        return x
    if method == "fgsm-rs":
        return step(net, noisy(x, eps), y, x, 1.25 * eps, eps)
    if method == "n-fgsm":
        return step(net, noisy(x, 2 * eps), y, x, eps, None)
    point = noisy(x, eps)
    for _ in range(steps):
        point = step(net, point, y, x, 2.5 * eps / steps, eps)
    return point


def reinitialize(net):
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def cosine(progress, warmup=0.1):
    return progress / warmup if progress < warmup else (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup))) / 2


def shifted(x, pixels):
    """Each image moved by whole pixels, at most so many each way; its border is repeated."""
    height, width = x.shape[-2:]
    padded = F.pad(x, (pixels,) * 4, mode="replicate")
    places = torch.randint(2 * pixels + 1, (len(x), 2)).tolist()
    return torch.stack([image[:, top : top + height, left : left + width] for image, (top, left) in zip(padded, places)])


def train(options):
    torch.manual_seed(options.seed)
    net = convert(options.model)
    for weight in net.parameters():
        weight.requires_grad_()
    if options.reinitialize:
        reinitialize(net)
    x, y = load(options.data)
    optimizer = torch.optim.AdamW(net.parameters(), lr=options.lr)
    # A moving average of the weights, which is what is attacked afterwards.
    averages = [weight.detach().clone() for weight in net.parameters()]
    per_epoch = len(x) // options.batch
    started, rows = time.perf_counter(), 0
    for epoch in range(options.epochs):
        order = torch.randperm(len(x))
        for index in range(per_epoch):
            progress = (epoch + index / per_epoch) / options.epochs
            batch = order[index * options.batch : (index + 1) * options.batch]
            eps = options.eps * (min(1, progress / options.ramp) if options.ramp > 0 else 1)
            net.eval()
            rows_now = x[batch] if options.shift == 0 else shifted(x[batch], options.shift)
            points = craft(options.method, net, rows_now, y[batch], eps, options.steps)
            net.train()
            for group in optimizer.param_groups:
                group["lr"] = options.lr * cosine(progress)
            optimizer.zero_grad()
            F.cross_entropy(net(points), y[batch]).backward()
            optimizer.step()
            if options.average > 0:
                for average, weight in zip(averages, net.parameters()):
                    average.lerp_(weight.detach(), 1 - options.average)
            rows += len(batch)
    seconds = time.perf_counter() - started
    found = dict(seconds=seconds, samplesPerSecond=rows / seconds)
    if options.average > 0:
        with torch.no_grad():
            for average, weight in zip(averages, net.parameters()):
                weight.copy_(average)
    if options.test is not None:
        found.update(attack(net.eval(), *load(options.test), options.eps, 100, 5, options.seed))
    return found


def attack(net, x, y, eps, steps, restarts, seed, size=500):
    """Accuracy without attack and under PGD on the margin with a random start: a row that is wrong at any point is broken."""
    torch.manual_seed(seed)
    standing = torch.zeros(len(x), dtype=torch.bool)
    with torch.no_grad():
        for at in range(0, len(x), size):
            standing[at : at + size] = net(x[at : at + size]).argmax(1) == y[at : at + size]
    clean = standing.float().mean().item()
    for _ in range(restarts):
        points = noisy(x, eps)
        for i in range(steps + 1):
            (rows,) = torch.nonzero(standing, as_tuple=True)
            for part in rows.split(size):
                point = points[part].requires_grad_()
                logits = net(point)
                others = logits.scatter(1, y[part, None], -torch.inf).amax(1)
                margin = others - logits.gather(1, y[part, None]).squeeze(1)
                (gradient,) = torch.autograd.grad(margin.sum(), point)
                standing[part] = margin.detach() < 0
                if i < steps:
                    moved = point.detach() + 2.5 * eps / steps * gradient.sign()
                    points[part] = torch.min(torch.max(moved, x[part] - eps), x[part] + eps).clamp(0, 1)
    return dict(clean=clean, robust=standing.float().mean().item(), of=len(x))


parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["train", "attack"])
parser.add_argument("model")
parser.add_argument("data")
parser.add_argument("--test")
parser.add_argument("--method", default="pgd", choices=["fgsm-rs", "n-fgsm", "pgd", "none"])
parser.add_argument("--eps", type=float, required=True)
parser.add_argument("--steps", type=int, default=7)
parser.add_argument("--restarts", type=int, default=5)
parser.add_argument("--ramp", type=float, default=0)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--batch", type=int, default=100)
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--average", type=float, default=0)
parser.add_argument("--shift", type=int, default=0)
parser.add_argument("--reinitialize", action="store_true")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()
torch.set_num_threads(options.threads)
if options.what == "train":
    print(json.dumps(train(options)))
else:
    x, y = load(options.data)
    print(json.dumps(attack(convert(options.model).eval(), x, y, options.eps, options.steps, options.restarts, options.seed)))
