"""Targeted AutoPGD of torchattacks on an ONNX file, for bench/gate-rule.mjs: the attack from outside.

    python bench/peers/apgd_t.py MODEL.onnx DIR --eps 0.1 --restarts 10 [--levels]

DIR holds x.npy (float32, N x height x width x channels, 0..1) and y.json. Prints a JSON list: for each row whether a point inside the ball was found
that the file itself, asked by onnxruntime and alone, gets wrong. --levels: the point is first rounded to 8-bit values inside the ball.
Needs torch, torchattacks, onnx2torch and onnxruntime.
"""

import argparse
import json
import os

import numpy as np
import onnxruntime
import torch
import torchattacks
from onnx2torch import convert

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("directory")
parser.add_argument("--eps", type=float, required=True)
parser.add_argument("--restarts", type=int, default=10)
parser.add_argument("--steps", type=int, default=100)
parser.add_argument("--levels", action="store_true")
args = parser.parse_args()
torch.set_num_threads(1)
torch.manual_seed(0)

rows = np.load(os.path.join(args.directory, "x.npy"))
x = torch.from_numpy(rows).permute(0, 3, 1, 2).contiguous()
y = torch.tensor(json.load(open(os.path.join(args.directory, "y.json"))))
net = convert(args.model).eval()
session = onnxruntime.InferenceSession(args.model)
name = session.get_inputs()[0].name
with torch.no_grad():
    classes = net(x[:1]).shape[1]


def wrong(point, label):
    scores = session.run(None, {name: point[None].numpy()})[0]
    return int(scores.argmax()) != int(label)


broken = [False] * len(x)
left = list(range(len(x)))
for restart in range(args.restarts):
    attack = torchattacks.APGDT(net, eps=args.eps, steps=args.steps, n_restarts=1, seed=restart, n_classes=classes)
    found = attack(x[left], y[left]).detach()
    for i, point in zip(left, found):
        inside = torch.min(torch.max(point, x[i] - args.eps), x[i] + args.eps).clamp(0, 1)
        if args.levels:
            low, high = torch.ceil(255 * (x[i] - args.eps) - 1e-4), torch.floor(255 * (x[i] + args.eps) + 1e-4)
            inside = torch.min(torch.max(torch.round(255 * inside), low), high).clamp(0, 255) / 255
        broken[i] = wrong(inside, y[i])
    left = [i for i in left if not broken[i]]
    if not left:
        break
print(json.dumps(broken))
