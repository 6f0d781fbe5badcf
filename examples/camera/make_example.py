#!/usr/bin/env python3
"""Makes the example of this folder: a small network of depthwise separable convolutions for a camera, trained on frames that are
painted with the handwritten digits that scikit-learn carries.

Needs the distribution's python3-torch, python3-sklearn and python3-pil. The product never needs this script: its results are here.

    model.onnx           float model, RGB [1,3,48,80] in, normalized with ImageNet's mean and deviation; 10 scores out
    calib/*.jpg          48 training frames as pictures
    frames/image_y/*.bin, frames/image_uv/*.bin
                         64 test frames as a camera gives them: NV12, Y uint8 [48,80], U and V uint8 [24,40,2], full range
    labels.txt           what they show

A frame shows two digits, a warm one (more red than blue) and a cool one; the warm one is asked for. So red and blue swapped,
height and width swapped or a wrong mean cost nearly all of the accuracy, as they do in real life. The seed is fixed.
"""
import os

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
HEIGHT, WIDTH = 48, 80
CALIBRATION_FRAMES, TEST_FRAMES = 48, 64
MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])


def separable(cin, cout, stride):
    return nn.Sequential(nn.Conv2d(cin, cin, 3, stride, 1, groups=cin, bias=False), nn.BatchNorm2d(cin), nn.ReLU6(),
                         nn.Conv2d(cin, cout, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU6())


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6(),
                                      separable(16, 32, 1), separable(32, 48, 2), separable(48, 64, 1), separable(64, 64, 2),
                                      separable(64, 96, 1))
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.classifier = nn.Linear(96, 10)

    def forward(self, x):
        return self.classifier(torch.flatten(self.pool(self.features(x)), 1))


def frame(rng, digits, warm, cool):
    """RGB uint8 [48,80,3]: dark ground with a gradient, two digits of 32x32, noise, light of any strength."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    ground = rng.uniform(20, 70) + rng.uniform(-0.5, 0.5) * y + rng.uniform(-0.4, 0.4) * x
    picture = ground[:, :, None] * rng.uniform(0.8, 1.2, 3)
    colors = [np.array([rng.uniform(170, 250), rng.uniform(90, 180), rng.uniform(20, 70)]),
              np.array([rng.uniform(20, 70), rng.uniform(90, 180), rng.uniform(170, 250)])]
    sides = rng.permutation(2)
    for which, color, side in zip((warm, cool), colors, sides):
        top, left = rng.integers(2, HEIGHT - 33), 40 * side + rng.integers(1, 7)
        ink = np.kron(digits[which], np.ones((4, 4)))[:, :, None] / 16
        part = picture[top:top + 32, left:left + 32]
        part[:] = part * (1 - ink) + color * ink
    picture = picture * rng.uniform(0.7, 1.1) + rng.normal(0, 6, picture.shape)
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def frames(rng, digits, target, count):
    picks = rng.integers(0, len(digits), (count, 2))
    return np.stack([frame(rng, digits, a, b) for a, b in picks]), target[picks[:, 0]].astype(np.int64)


def normalized(rgb):
    return torch.from_numpy(((rgb - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2).copy())


def train(net, rng, digits, target):
    epochs, per_epoch, batch = 8, 4800, 64
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, total_steps=epochs * per_epoch // batch)
    for _ in range(epochs):
        rgb, labels = frames(rng, digits, target, per_epoch)
        for k in range(0, per_epoch, batch):
            loss = nn.functional.cross_entropy(net(normalized(rgb[k:k + batch])), torch.from_numpy(labels[k:k + batch]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def top1(net, rgb, labels):
    with torch.no_grad():
        return 100 * (net(normalized(rgb)).argmax(1).numpy() == labels).mean()


def nv12(rgb):
    """Y [48,80] and interleaved U, V [24,40,2] of full-range BT.601; chroma is the mean of 2x2 pixels."""
    to_yuv = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
    yuv = rgb @ to_yuv.T + [0, 128, 128]
    chroma = yuv[:, :, 1:].reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 2).mean(axis=(1, 3))
    as_bytes = lambda levels: np.clip(np.round(levels), 0, 255).astype(np.uint8)
    return as_bytes(yuv[:, :, 0]), as_bytes(chroma)


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    rng = np.random.default_rng(7)
    digits = load_digits()
    order = rng.permutation(len(digits.images))
    images, target = digits.images[order], digits.target[order]
    net = Net()
    train(net, rng, images[500:], target[500:])
    net.eval()
    many, truth = frames(np.random.default_rng(8), images[:500], target[:500], 2000)
    print("float top-1 on 2000 test frames: %.2f %%, red and blue swapped: %.2f %%" %
          (top1(net, many, truth), top1(net, many[:, :, :, ::-1], truth)))
    torch.onnx.export(net, torch.zeros(1, 3, HEIGHT, WIDTH), os.path.join(HERE, "model.onnx"), opset_version=13,
                      input_names=["image"], output_names=["scores"])
    for folder in ("calib", "frames/image_y", "frames/image_uv"):
        os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    pictures, _ = frames(rng, images[500:], target[500:], CALIBRATION_FRAMES)
    for k, rgb in enumerate(pictures):
        Image.fromarray(rgb).save(os.path.join(HERE, "calib", "%02d.jpg" % k), quality=90, subsampling=0)
    tests, labels = frames(np.random.default_rng(9), images[:500], target[:500], TEST_FRAMES)
    for k, rgb in enumerate(tests):
        luma, chroma = nv12(rgb)
        luma.tofile(os.path.join(HERE, "frames/image_y", "%02d.bin" % k))
        chroma.tofile(os.path.join(HERE, "frames/image_uv", "%02d.bin" % k))
    np.savetxt(os.path.join(HERE, "labels.txt"), labels, fmt="%d")


if __name__ == "__main__":
    main()
