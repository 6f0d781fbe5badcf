#!/usr/bin/env python3
"""compare_block.py QCONVERT MODEL.onnx ENTRY EXIT SAMPLES [BITS [STEPS]]: learned rounding of a block beside the same algorithm in PyTorch.

Cuts what lies between the values ENTRY and EXIT (Conv of one group, Relu, Add) out of the model, as the engine fuses it, and
converts it with nearest codes, learned layer by layer, and learned as a block. torch's autograd and Adam learn the block from
the same codes, samples and steps. Prints the mean squared error of EXIT of all four on the samples held out, processor
seconds and peak memory. Needs numpy, onnx, onnxruntime, torch.
"""
import os, resource, subprocess, sys, tempfile
sys.path.append("/usr/lib/python3/dist-packages")
import numpy as np, onnx, onnxruntime as ort
from onnx import numpy_helper, utils

IMAGES, RATE, BIAS_RATE, REGULARIZATION, WARM = 4, 0.1, 0.002, 0.3, 0.2


def fused(model_file, folder):  # batch normalizations in their convolutions
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = folder + "/fused.onnx"
    ort.InferenceSession(model_file, options)
    return options.optimized_model_filepath


def cut(model_file, entry, exit_, samples, folder):
    model = onnx.load(fused(model_file, folder))
    model.graph.output.extend([onnx.helper.make_empty_tensor_value_info(entry)])
    session = ort.InferenceSession(model.SerializeToString())
    given = session.get_inputs()[0]
    os.mkdir(folder + "/x")
    for file in sorted(os.listdir(samples)):
        x = np.load(os.path.join(samples, file))
        np.save(f"{folder}/x/{file}", session.run([entry], {given.name: x if x.ndim == len(given.shape) else x[None]})[0])
    values = [np.load(f"{folder}/x/{file}") for file in sorted(os.listdir(folder + "/x"))]
    block = utils.Extractor(onnx.shape_inference.infer_shapes(onnx.load(fused(model_file, folder)))).extract_model([entry], [exit_])
    for dim, size in zip(block.graph.input[0].type.tensor_type.shape.dim, values[0].shape): dim.dim_value = size
    block.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(block, folder + "/block.onnx")
    return block.graph, values


def convert(qconvert, folder, name, bits, *settings):
    out = f"{folder}/{name}.onnx"
    with open(out + ".log", "w") as log:
        child = subprocess.Popen([qconvert, folder + "/block.onnx", "--calib", folder + "/x", "-o", out, "-v", "--scheme", "static", "--guard-reports",
                                  "--workers", "1", "--set", f"weights.bit_width={bits}", "--set", "include_bias_corr=false", "--set", "second_order_rounding=false", *settings], stdout=log, stderr=log)
        _, status, used = os.wait4(child.pid, 0)
    assert status == 0, open(out + ".log").read()
    return onnx.load(out).graph, used.ru_utime, used.ru_maxrss // 1024


def read(graph):
    """Codes, scales and bias by weight layer in order; the grid (step, zero) of every value that is rounded."""
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    made = {o: n for n in graph.node for o in n.output}
    layers, grids = [], {}
    for node in graph.node:
        if node.op_type == "QuantizeLinear": grids[node.input[0]] = constants[node.input[1]], constants[node.input[2]].astype(np.float32)
        if node.op_type != "Conv": continue
        codes, scales = (constants[i] for i in made[node.input[1]].input[:2])
        bias = made[node.input[2]].input if len(node.input) > 2 else None
        layers.append([codes.astype(np.float32), np.broadcast_to(scales.reshape(-1), codes.shape[:1]).copy(),
                       constants[bias[0]] * constants[bias[1]] if bias else np.zeros(codes.shape[0], np.float32)])
    return layers, grids


class Net:
    """The block in torch: every value of the float graph that the quantized one rounds is rounded, EXIT is not."""

    def __init__(self, torch, graph, grids):
        self.torch, self.graph = torch, graph
        self.grids = {k: v for k, v in grids.items() if k != graph.output[0].name}

    def rounded(self, name, x):
        if name not in self.grids: return x
        step, zero = (float(v) for v in self.grids[name])
        low, high = -zero * step, (255 - zero) * step
        clipped = x.clamp(low, high)
        return clipped + (self.torch.round(clipped / step) * step - clipped).detach()

    def __call__(self, x, weights, rounds=True):
        values, layers = {self.graph.input[0].name: x}, iter(weights)
        for node in self.graph.node:
            if node.op_type not in ("Conv", "Relu", "Add"): continue
            given = [values[i] for i in node.input if i in values]
            if node.op_type == "Conv":
                w, b = next(layers)
                of = {a.name: list(a.ints) for a in node.attribute}
                pads = of.get("pads", [0] * 4)
                y = self.torch.nn.functional.conv2d(self.torch.nn.functional.pad(given[0], (pads[1], pads[3], pads[0], pads[2])), w, b,
                                                    stride=tuple(of.get("strides", [1, 1])), dilation=tuple(of.get("dilations", [1, 1])))
            else:
                y = self.torch.relu(given[0]) if node.op_type == "Relu" else given[0] + given[1]
            values[node.output[0]] = self.rounded(node.output[0], y) if rounds else y
        return values[self.graph.output[0].name]


def learn(torch, net, real, layers, inputs, targets, steps, bits):
    high = 2 ** (bits - 1) - 1
    scales = [torch.tensor(s.tolist()).reshape(-1, 1, 1, 1) for _, s, _ in layers]
    start = [torch.tensor(c.tolist()) for c, _, _ in layers]
    floors = [torch.floor(w / s) for w, s in zip(real, scales)]
    variables = []
    for w, s, floor, code in zip(real, scales, floors, start):
        part, up = w / s - floor, code - floor
        part = torch.where((up == 0) | (up == 1), (part + up) / 2, part)
        part = (part + 0.1) / 1.2
        variables.append(torch.log(part / (1 - part)).requires_grad_())
    offsets = [torch.tensor(b.tolist()).requires_grad_() for _, _, b in layers]

    def weights(h): return [((f + x).clamp(-high, high) * s, b) for f, x, s, b in zip(floors, h, scales, offsets)]

    with torch.no_grad():
        error = (net(inputs[:64], [(c * s, b) for c, s, b in zip(start, scales, offsets)]) - targets[:64]).pow(2).mean().item()
    importance = sum(len(b) for b in offsets) / error
    groups = [{"params": variables, "lr": RATE}]
    groups += [{"params": [b], "lr": BIAS_RATE * targets.pow(2).mean().sqrt().item()} for b in offsets]
    adam = torch.optim.Adam(groups)
    for number in range(steps):
        at = torch.arange(number * IMAGES, (number + 1) * IMAGES) % len(inputs)
        h = [torch.clamp(torch.sigmoid(v) * 1.2 - 0.1, 0, 1) for v in variables]
        total = importance * (net(inputs[at], weights(h)) - targets[at]).pow(2).mean()
        done = (number / steps - WARM) / (1 - WARM)
        if done > 0: total = total + REGULARIZATION * sum((1 - (2 * x - 1).abs().pow(2 + 18 * (1 - done))).sum() for x in h)
        adam.zero_grad()
        total.backward()
        adam.step()
    with torch.no_grad():
        return [(w.clone(), b.clone()) for w, b in weights([(torch.sigmoid(v) * 1.2 - 0.1 >= 0.5).float() for v in variables])]


def main():
    qconvert, model, entry, exit_, samples = sys.argv[1:6]
    bits = int(sys.argv[6]) if len(sys.argv) > 6 else 4
    steps = int(sys.argv[7]) if len(sys.argv) > 7 else 500
    folder = tempfile.mkdtemp()
    graph, values = cut(model, entry, exit_, samples, folder)
    learned = ["--set", "include_fast_ft=true", "--set", "fast_finetune.algorithm=adaround", "--set", f"fast_finetune.num_iterations={steps}"]
    nearest = convert(qconvert, folder, "nearest", bits)
    alone = convert(qconvert, folder, "layers", bits, *learned)
    together = convert(qconvert, folder, "together", bits, *learned, "--set", "fast_finetune.reconstruction=block")
    import torch  # after the conversions: what it takes is measured below
    torch.set_num_threads(1)
    torch.manual_seed(1)
    constants = {t.name: torch.tensor(numpy_helper.to_array(t).tolist()) for t in graph.initializer}
    convs = [n for n in graph.node if n.op_type == "Conv"]
    layers, grids = read(alone[0])
    net = Net(torch, graph, grids)
    everything = torch.cat([torch.tensor(v.tolist()) for v in values])
    with torch.no_grad():
        targets = net(everything, [(constants[n.input[1]], constants[n.input[2]]) for n in convs], rounds=False)
        inputs = net.rounded(entry, everything)
    held = torch.arange(len(inputs)) % 5 == 4
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    theirs = learn(torch, net, [constants[n.input[1]] for n in convs], layers, inputs[~held], targets[~held], steps, bits)
    seconds = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before

    def of(result): return [(torch.tensor((c * s.reshape(-1, 1, 1, 1)).tolist()), torch.tensor(b.tolist())) for c, s, b in read(result[0])[0]]

    for label, weights, time, peak in (("nearest", of(nearest), nearest[1], nearest[2]), ("layers", of(alone), alone[1] - nearest[1], alone[2]),
                                       ("block", of(together), together[1] - alone[1], together[2]),
                                       ("torch", theirs, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)):
        with torch.no_grad():
            error = (net(inputs, weights) - targets).pow(2).mean((1, 2, 3))
        print(f"{label:8s} held out {error[held].mean().item():.6g} seen {error[~held].mean().item():.6g}  {time:.2f} s  {peak} MB")


main()
