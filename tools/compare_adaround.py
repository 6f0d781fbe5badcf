#!/usr/bin/env python3
"""compare_adaround.py QCONVERT MODEL.onnx NODE SAMPLES [BITS]: learned rounding of one layer beside the same algorithm in PyTorch.

Cuts the Conv NODE out of the model with what it reads on the samples (a folder of .npy files), converts it with
nearest codes and with layers learned, learns the rounding of the same codes from the same inputs with torch's autograd and Adam,
and prints the mean squared error behind the Relu of all three, and processor seconds. Needs numpy, onnx, onnxruntime, torch.
"""
import os, resource, subprocess, sys, tempfile
sys.path.append("/usr/lib/python3/dist-packages")
import numpy as np, onnx, onnxruntime as ort, torch
from onnx import helper, numpy_helper

STEPS, BATCH, RATE, REGULARIZATION, WARM = 500, 256, 0.1, 0.3, 0.2


def tensor(array):  # without the bridge between torch and numpy, which wants versions that match
    array = np.ascontiguousarray(array, np.float32)
    return torch.frombuffer(bytearray(array.tobytes()), dtype=torch.float32).reshape(array.shape)


def cut(model_file, name, samples, folder):
    model = onnx.load(model_file)
    node = next(n for n in model.graph.node if n.name == name or n.output[0] == name)
    assert node.op_type == "Conv"
    model.graph.output.extend([helper.make_empty_tensor_value_info(node.input[0])])
    session = ort.InferenceSession(model.SerializeToString())
    os.mkdir(folder + "/x")
    values = []
    for file in sorted(os.listdir(samples)):
        given = np.load(os.path.join(samples, file))
        entry = session.get_inputs()[0]
        if given.ndim < len(entry.shape): given = given[None]
        values.append(session.run([node.input[0]], {entry.name: given})[0])
        np.save(f"{folder}/x/{file}", values[-1])
    constants = {t.name: t for t in model.graph.initializer}
    node.output[0] = "c"
    x = node.input[0]
    graph = helper.make_graph(
        [node, helper.make_node("Relu", ["c"], ["y"])], "layer",
        [helper.make_tensor_value_info(x, 1, [1] + list(values[0].shape[1:]))], [helper.make_tensor_value_info("y", 1, None)],
        [constants[i] for i in node.input[1:]])
    layer = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(layer, folder + "/layer.onnx")
    weights = [numpy_helper.to_array(constants[i]) for i in node.input[1:]]
    return node, values, weights[0], weights[1] if len(weights) > 1 else np.zeros(weights[0].shape[0], np.float32)


def convert(qconvert, folder, name, bits, *settings):
    out = f"{folder}/{name}.onnx"
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run([qconvert, folder + "/layer.onnx", "--calib", folder + "/x", "-o", out, "-q", "--scheme", "static", "--guard-reports",
                    "--workers", "1", "--set", f"weights.bit_width={bits}", "--set", "include_bias_corr=false", "--set", "second_order_rounding=false",
                    *settings], check=True)
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    graph = onnx.load(out).graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    conv = next(n for n in graph.node if n.op_type == "Conv")
    made = {n.output[0]: n for n in graph.node}
    codes, scales = (constants[i] for i in made[conv.input[1]].input[:2])
    bias = made[conv.input[2]].input if len(conv.input) > 2 else None
    bias = constants[bias[0]] * constants[bias[1]] if bias else np.zeros(codes.shape[0])
    first = made[conv.input[0]].input
    return codes.astype(np.float32), scales.reshape(-1), bias, constants[first[1]], constants[first[2]].astype(np.float32), seconds


def main():
    qconvert, model, name, samples = sys.argv[1:5]
    bits = int(sys.argv[5]) if len(sys.argv) > 5 else 4
    torch.manual_seed(1)
    torch.set_num_threads(1)
    folder = tempfile.mkdtemp()
    node, values, weight, bias = cut(model, name, samples, folder)
    near, scales, near_bias, step, zero, fast_s = convert(qconvert, folder, "nearest", bits)
    ours, our_scales, our_bias, _, _, high_s = convert(qconvert, folder, "learned", bits, "--set", "include_fast_ft=true", "--set",
                                                       "fast_finetune.algorithm=adaround", "--set", f"fast_finetune.num_iterations={STEPS}")
    assert (our_scales == scales).all()
    ints = {a.name: list(a.ints) for a in node.attribute}
    pads = ints.get("pads", [0] * 4)
    shape = dict(kernel_size=tuple(weight.shape[2:]), stride=tuple(ints.get("strides", [1, 1])), dilation=tuple(ints.get("dilations", [1, 1])))
    assert next((a.i for a in node.attribute if a.name == "group"), 1) == 1

    def rows(x):
        x = torch.nn.functional.pad(tensor(x), (pads[1], pads[3], pads[0], pads[2]))
        return torch.nn.functional.unfold(x, **shape).transpose(1, 2).reshape(-1, weight[0].size)

    x_float = torch.cat([rows(x) for x in values])
    quantized = [(np.clip(np.round(x / step) + zero, 0, 255) - zero) * step for x in values]
    x_codes = torch.cat([rows(x) for x in quantized])
    w, b, s = tensor(weight.reshape(len(bias), -1)), tensor(bias), tensor(scales).reshape(-1, 1)
    target = torch.relu(x_float @ w.T + b)
    judged = [k for k in range(len(values)) if k % 5 == 4]
    per = x_float.shape[0] // len(values)
    held = torch.cat([torch.arange(k * per, (k + 1) * per) for k in judged])
    train = torch.ones(x_float.shape[0], dtype=torch.bool)
    train[held] = False
    train = train.nonzero().reshape(-1)
    train = train[torch.randperm(len(train))[:16384]]

    def loss(codes, offset, at):
        return (torch.relu(x_codes[at] @ (codes * s).T + offset) - target[at]).pow(2).mean(0)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    high = 2 ** (bits - 1) - 1
    start = loss(tensor(near.reshape(len(bias), -1)), b, train).clamp(min=1e-30)
    floor = torch.floor(w / s)
    part = (w / s - floor + 0.1) / 1.2
    v = torch.log(part / (1 - part)).requires_grad_()
    offset = b.clone().requires_grad_()
    adam = torch.optim.Adam([{"params": [v], "lr": RATE}, {"params": [offset], "lr": 1e-3}])
    for step_number in range(STEPS):
        at = train[torch.randint(len(train), (BATCH,))]
        h = torch.clamp(torch.sigmoid(v) * 1.2 - 0.1, 0, 1)
        total = (loss(torch.clamp(floor + h, -high, high), offset, at) / start).sum()
        done = (step_number / STEPS - WARM) / (1 - WARM)
        if done > 0: total = total + REGULARIZATION * (1 - (2 * h - 1).abs().pow(2 + 18 * (1 - done))).sum()
        adam.zero_grad()
        total.backward()
        adam.step()
    torch_s = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
    with torch.no_grad():
        theirs = torch.clamp(floor + (torch.sigmoid(v) * 1.2 - 0.1 >= 0.5), -high, high)
        z = x_codes[train] @ (theirs * s).T + offset  # the bias fitted to whole codes, as here
        for _ in range(2):
            active = (z > 0).float()
            move = ((target[train] - torch.relu(z)) * active).sum(0) / active.sum(0).clamp(min=1)
            offset += move
            z += move
        everything = torch.arange(x_float.shape[0])
        for label, codes, shift, seconds in (("nearest", tensor(near.reshape(len(bias), -1)), tensor(near_bias), fast_s),
                                             ("qconvert", tensor(ours.reshape(len(bias), -1)), tensor(our_bias), high_s - fast_s),
                                             ("torch", theirs, offset, torch_s)):
            print(f"{name} {label:9s} all {loss(codes, shift, everything).sum().item():.6g} seen {loss(codes, shift, train).sum().item():.6g}"
                  f" held out {loss(codes, shift, held).sum().item():.6g}  {seconds:.2f} s  {'' if label != 'torch' else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} {'MB' if label == 'torch' else ''}")


main()
