#!/usr/bin/env python3
"""Makes the example of this folder: trains a small residual network on the handwritten digits that scikit-learn carries.

Needs the distribution's python3-torch and python3-sklearn. The product never needs this script: its results are here.

    model.onnx          float model, batch normalization kept as nodes of its own, free batch
    calib/*.npy         64 training pictures, float32 [1,1,16,16]
    test_images.npy     uint8 [N,16,16], test_labels.npy uint8 [N]

Pictures are 8x8 with grey levels 0..16, enlarged to 16x16 and scaled to 0..1. The seed is fixed.
"""
import os

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
CALIBRATION_SAMPLES = 64
TEST_SAMPLES = 597


def conv(cin, cout, stride=1, act=True):
    layers = [nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout)]
    return nn.Sequential(*layers, *([nn.ReLU6()] if act else []))


class Block(nn.Module):
    """Residual block of two convolutions."""

    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(conv(width, width), conv(width, width, act=False))
        self.act = nn.ReLU6()

    def forward(self, x):
        return self.act(x + self.body(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(conv(1, 32), conv(32, 48), Block(48), conv(48, 48, stride=2), Block(48))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(48, 10)

    def forward(self, x):
        return self.classifier(torch.flatten(self.pool(self.features(x)), 1))


def pictures():
    digits = load_digits()
    x = np.kron(digits.images, np.ones((2, 2))).astype(np.float32) / 16
    order = np.random.default_rng(7).permutation(len(x))
    return x[order], digits.target[order].astype(np.int64)


def train(net, x, y):
    x, y = torch.from_numpy(x)[:, None], torch.from_numpy(y)
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3, weight_decay=1e-2)
    epochs, batch = 30, 64
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=epochs * (len(x) // batch))
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for k in range(len(x) // batch):
            pick = order[k * batch:(k + 1) * batch]
            dx, dy = torch.randint(-2, 3, (2,)).tolist()
            image = torch.roll(x[pick], (dx, dy), (2, 3)) + 0.05 * torch.randn(1)
            loss = nn.functional.cross_entropy(net(image), y[pick], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    x, y = pictures()
    net = Net()
    train(net, x[TEST_SAMPLES:], y[TEST_SAMPLES:])
    net.eval()
    with torch.no_grad():
        guess = net(torch.from_numpy(x[:TEST_SAMPLES])[:, None]).argmax(1).numpy()
    print("float top-1 on %d test pictures: %.2f %%" % (TEST_SAMPLES, 100 * (guess == y[:TEST_SAMPLES]).mean()))
    torch.onnx.export(net, torch.zeros(1, 1, 16, 16), os.path.join(HERE, "model.onnx"), opset_version=13,
                      input_names=["image"], output_names=["scores"], training=torch.onnx.TrainingMode.PRESERVE,
                      do_constant_folding=False, dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}})
    os.makedirs(os.path.join(HERE, "calib"), exist_ok=True)
    for i in range(CALIBRATION_SAMPLES):
        np.save(os.path.join(HERE, "calib", "%02d.npy" % i), x[TEST_SAMPLES + i][None, None])
    np.save(os.path.join(HERE, "test_images.npy"), np.round(x[:TEST_SAMPLES] * 16).astype(np.uint8))
    np.save(os.path.join(HERE, "test_labels.npy"), y[:TEST_SAMPLES].astype(np.uint8))


if __name__ == "__main__":
    main()
