"""Writes the pictures of the tests, and beside each what Pillow makes of it (NAME.npy, RGB).

Run in this folder with Pillow and numpy; the files are committed.
"""
import io
import struct
import zlib

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 11, 14


def scene():
    """A ramp of each channel with a dark square: no row, column or channel is like another."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    rgb = np.stack([20 * y, 17 * x, 255 - 9 * (x + y)], axis=-1).astype(np.uint8)
    rgb[3:6, 4:9] = (10, 30, 60)
    return Image.fromarray(rgb)


def save(name, image, **options):
    image.save(name, **options)
    np.save(name + ".npy", np.asarray(Image.open(name).convert("RGB")))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) +
            chunk(b"IEND", b""))


def jpeg_claiming(width, height):
    memory = io.BytesIO()
    scene().save(memory, "JPEG", quality=60)
    bytes_ = bytearray(memory.getvalue())
    frame = bytes_.index(b"\xff\xc0")  # SOF0: length, precision, height, width
    bytes_[frame + 5:frame + 9] = struct.pack(">HH", height, width)
    return bytes(bytes_)


def write(name, content):
    with open(name, "wb") as out:
        out.write(content)


rgb = scene()
save("rgb.jpg", rgb, quality=90)
save("progressive.jpg", rgb, quality=80, progressive=True, subsampling=0)
save("gray.jpg", rgb.convert("L"), quality=90)
exif = Image.Exif()
exif[0x0112] = 6  # turned by 90 degrees: has no effect
save("turned.jpg", rgb, quality=90, exif=exif)
rgb.convert("CMYK").save("cmyk.jpg", quality=60)
save("rgb.png", rgb)
save("gray.png", rgb.convert("L"))
save("palette.png", rgb.quantize(16))
save("bits1.png", rgb.convert("1"))
alpha = rgb.convert("RGBA")
alpha.putalpha(90)
alpha.save("alpha.png")
np.save("alpha.png.npy", np.asarray(alpha)[:, :, :3])  # dropped, not blended
deep = (np.asarray(rgb.convert("L")).astype(np.uint16) << 8) + 0xC0
Image.fromarray(deep).save("gray16.png")
np.save("gray16.png.npy", np.repeat((deep >> 8).astype(np.uint8)[:, :, None], 3, 2))  # the high byte
write("huge.png", png_claiming(100000, 100000))
write("hollow.png", png_claiming(8000, 8000))
write("huge.jpg", jpeg_claiming(65500, 65500))
write("hollow.jpg", jpeg_claiming(8000, 8000))
