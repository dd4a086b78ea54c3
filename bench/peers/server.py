#!/usr/bin/env python3
"""The PyTorch side of a benchmark: reads one JSON command a line on stdin, answers one JSON line on stdout.

{"do": "export", "path": F}                          writes a ResNet-18 (CIFAR stem, random weights, seed 0) as ONNX
{"do": "load", "model": F, "inputs": F.npy, "labels": F.npy, "bounds": [lo, hi], "nhwc": bool}
{"do": "time", "what": "forward"|"grad"|"backward"}  milliseconds of one pass over the whole batch
{"do": "values"}                                     writes nothing; answers the gradient of the summed cross-entropy, flattened
{"do": "search", "attack": A, "out": F.npy, ...}     one of searches.py: its points go to a file, the answer has the queries
{"do": "attack", "peer": "torchattacks"|"foolbox", "eps": e, "alpha": a, "steps": n, "batch": b}  seconds, and how many are misclassified

Models are put in eval mode; gradients are of the input alone ("backward" also computes those of the parameters, as most attack
libraries call it). Python packages: torch, torchvision, numpy, onnx, onnxruntime, onnx2torch, torchattacks, foolbox (for `search` also adv-lib and
adversarial-robustness-toolbox).
"""
import json, os, sys, time, warnings

# Favorable to the peers on a shared machine: passive OpenMP waits and no malloc trimming.
TUNE = dict(OMP_WAIT_POLICY="PASSIVE", MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_="100000000000")
if any(os.environ.get(key) != value for key, value in TUNE.items()):
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **TUNE})
warnings.filterwarnings("ignore")
answers, sys.stdout = sys.stdout, sys.stderr  # libraries print; the protocol has stdout to itself
import numpy as np
import torch

torch.set_num_threads(int(os.environ.get("BENCH_THREADS", "2")))
state = {}


def resnet18():
    import torchvision
    torch.manual_seed(0)
    net = torchvision.models.resnet18(num_classes=10)
    net.conv1 = torch.nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    net.maxpool = torch.nn.Identity()
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, .1)
            module.running_var.uniform_(.5, 1.5)
    return net.eval()


def export(path):
    net = resnet18()
    torch.onnx.export(net, torch.rand(1, 3, 32, 32), path, input_names=["input"], output_names=["logits"],
                      dynamic_axes={"input": {0: "N"}, "logits": {0: "N"}}, dynamo=False, opset_version=17)
    return {}


def load(model, inputs, labels, bounds=(0, 1), nhwc=False):
    import onnx
    from onnx2torch import convert
    proto = onnx.load(model)
    weights = {tensor.name for tensor in proto.graph.initializer}
    ports = [port for port in proto.graph.input if port.name not in weights] + list(proto.graph.output)
    for port in ports:
        port.type.tensor_type.shape.dim[0].dim_param = "N"
    del proto.graph.value_info[:]
    if proto.graph.node[-1].op_type == "Softmax":  # rivals want logits
        last = proto.graph.node[-1]
        proto.graph.output[0].name = last.input[0]
        proto.graph.node.remove(last)
    core = convert(proto).eval()
    low, high = bounds

    class Scaled(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.core = core

        def forward(self, x):
            x = x if (low, high) == (0, 1) else low + (high - low) * x
            return self.core(x.permute(0, 2, 3, 1) if nhwc else x)

    state.update(net=Scaled().eval(), x=torch.from_numpy(np.load(inputs)), y=torch.from_numpy(np.load(labels)).long())
    return dict(rows=len(state["x"]))


def loss(x):
    return torch.nn.functional.cross_entropy(state["net"](x), state["y"], reduction="sum")


def gradient():
    x = state["x"].clone().requires_grad_()
    return torch.autograd.grad(loss(x), x)[0]


def time_pass(what):
    start = time.perf_counter()
    if what == "forward":
        with torch.no_grad():
            state["net"](state["x"])
    elif what == "grad":
        gradient()
    else:
        state["net"].zero_grad()
        x = state["x"].clone().requires_grad_()
        loss(x).backward()
    return dict(ms=1e3 * (time.perf_counter() - start))


def attack(peer, eps, alpha, steps, batch):
    net, x, y = state["net"], state["x"], state["y"]
    torch.manual_seed(0)
    start = time.perf_counter()
    found = []
    for i in range(0, len(x), batch):
        xb, yb = x[i:i + batch], y[i:i + batch]
        if peer == "torchattacks":
            import torchattacks
            found.append(torchattacks.PGD(net, eps=eps, alpha=alpha, steps=steps)(xb, yb).detach())
        else:
            import foolbox
            model = foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")
            run = foolbox.attacks.LinfPGD(abs_stepsize=alpha, steps=steps)
            found.append(run(model, xb, foolbox.criteria.Misclassification(yb), epsilons=eps)[1].detach())
    seconds = time.perf_counter() - start
    with torch.no_grad():
        wrong = sum(int((net(found[k]).argmax(1) != y[k * batch:(k + 1) * batch]).sum()) for k in range(len(found)))
    return dict(seconds=seconds, misclassified=wrong)


def search(**command):
    import searches
    return searches.search(state, **command)


COMMANDS = dict(export=export, search=search, load=load, time=time_pass, attack=attack, values=lambda: dict(gradient=gradient().flatten().tolist()))
for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = COMMANDS[command.pop("do")](**command)
    except Exception as error:  # the bench prints it and stops
        answer = dict(error=f"{type(error).__name__}: {error}")
    print(json.dumps(answer), file=answers, flush=True)
