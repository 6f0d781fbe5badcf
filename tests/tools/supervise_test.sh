#!/usr/bin/env bash
# A run that the engine dies in, that does not end or that takes too much memory: the exit code says so, the node or
# sample is named, and no output is touched.
exec python3 - "$1" <<'PY'
import json, os, struct, subprocess, sys, tempfile

qconvert = sys.argv[1]
failures = []
FLOAT, INT64, BOOL = 1, 7, 9


# ONNX messages on the wire.
def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def text(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def number(field, n):
    return varint(field << 3) + varint(n)


def tensor(name, dims, kind, data):
    return b"".join(number(1, d) for d in dims) + number(2, kind) + text(8, name) + text(9, data)


def value(name, kind, dims):
    shape = b"".join(text(1, number(1, d)) for d in dims)
    return text(1, name) + text(2, text(1, number(1, kind) + text(2, shape)))


def node(op, inputs, outputs, name="", attributes=b""):
    return (b"".join(text(1, i) for i in inputs) + b"".join(text(2, o) for o in outputs) + text(3, name) + text(4, op) +
            attributes)


def integer(key, n):
    return text(5, text(1, key) + number(3, n) + number(20, 2))


def body(key, graph):
    return text(5, text(1, key) + text(6, graph) + number(20, 5))


def graph(nodes, inputs, outputs, initializers):
    return (b"".join(text(1, n) for n in nodes) + text(2, "g") + b"".join(text(5, i) for i in initializers) +
            b"".join(text(11, i) for i in inputs) + b"".join(text(12, o) for o in outputs))


def model(*parts):
    return number(1, 8) + text(7, graph(*parts)) + text(8, text(1, "") + number(2, 13))


def npy(numbers):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, %d), }" % len(numbers)
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<%df" % len(numbers), *numbers)


x, y = value("x", FLOAT, [1, 2]), value("y", FLOAT, [1, 2])
weights = tensor("w", [2, 2], FLOAT, struct.pack("<4f", 1, -2, 3, 4))

# -2^63 by -1, when a sample holds it.
divides = model([node("MatMul", ["x", "w"], ["m"]), node("Relu", ["m"], ["r"]),
                 node("ReduceMin", ["x"], ["least"], "", integer("keepdims", 0)),
                 node("Cast", ["least"], ["i"], "", integer("to", INT64)), node("Div", ["i", "by"], ["q"], "half"),
                 node("Cast", ["q"], ["f"], "", integer("to", FLOAT)), node("Add", ["r", "f"], ["y"])],
                [x], [y], [weights, tensor("by", [], INT64, struct.pack("<q", -1))])


def loop(body_nodes, outputs, more_outputs, body_constants=()):
    inner = graph(body_nodes + [node("Identity", ["go"], ["go_on"]), node("Neg", ["s"], ["s_out"])],
                  [value("n", INT64, []), value("go", BOOL, []), value("s", FLOAT, [1, 2])],
                  [value("go_on", BOOL, []), value("s_out", FLOAT, [1, 2])] + more_outputs, body_constants)
    return model([node("MatMul", ["x", "w"], ["m"]),
                  node("Loop", ["often", "true", "m"], ["y"] + outputs, "endless", body("body", inner))],
                 [x], [y] + [value(o, FLOAT, [0, 1, 2]) for o in outputs],
                 [weights, tensor("often", [], INT64, struct.pack("<q", 1 << 62)), tensor("true", [], BOOL, b"\1")])


never_ends = loop([], [], [])
grows = loop([node("Tile", ["s", "many"], ["t"])], ["all"], [value("t", FLOAT, [1, 100000])],
             [tensor("many", [2], INT64, struct.pack("<2q", 1, 50000))])

with tempfile.TemporaryDirectory() as work:
    def check(name, bytes, code, expected, *arguments, kills=7):
        out = os.path.join(work, "out")
        calib = os.path.join(work, "calib")
        os.makedirs(out, exist_ok=True)
        os.makedirs(calib, exist_ok=True)
        open(os.path.join(work, "m.onnx"), "wb").write(bytes)
        for i in range(9):
            numbers = [-9.223372036854775808e18 if i == kills else 0.5, 1.0 + i]
            open(os.path.join(calib, "%d.npy" % i), "wb").write(npy(numbers))
        open(os.path.join(out, "q.onnx"), "w").write("old")
        done = subprocess.run([qconvert, "m.onnx", "--calib", "calib", "-o", "out/q.onnx", "--json", "v.json", *arguments],
                              cwd=work, stderr=subprocess.PIPE, stdout=subprocess.PIPE, timeout=300)
        said = done.stderr.decode()
        if done.returncode != code:
            failures.append("%s: exit %d, expected %d: %s" % (name, done.returncode, code, said))
        errors = [line for line in said.splitlines() if "error: " in line]
        if len(errors) != 1 or any(part not in said for part in expected):
            failures.append("%s: says %r, expected %s" % (name, said, expected))
        if os.listdir(out) != ["q.onnx"] or open(os.path.join(out, "q.onnx")).read() != "old":
            failures.append("%s: left %s" % (name, os.listdir(out)))
        verdict = json.load(open(os.path.join(work, "v.json")))
        if [*verdict["errors"]] != [line.split("error: ", 1)[1] for line in errors]:
            failures.append("%s: the verdict is %s" % (name, verdict))

    check("a node kills in one sample", divides, 4, ["m.onnx: ", "SIGFPE", "node half (Div), sample 7.npy"])
    # The same where the sample is one of those that are kept out, which run when outputs are compared.
    check("a node kills in a sample that judges", divides, 4, ["m.onnx: ", "SIGFPE", "node half (Div), sample 5.npy"],
          "--scheme", "static", kills=5)
    check("no end", never_ends, 7, ["m.onnx: not done after 1 s, while running the model", "--time-limit"],
          "--time-limit", "1")
    check("no end of memory", grows, 7, ["memory_limit allows 400 MB, the run takes more", "--memory-limit"],
          "--memory-limit", "400MB")

    # Without a limit a run ends before the system runs out, told here by a file in the place of /proc/meminfo.
    few = os.path.join(work, "meminfo")
    open(few, "w").write("MemTotal: 819200 kB\nMemAvailable: 1024 kB\nSwapFree: 0 kB\n")
    inside = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /proc/meminfo && exec "$@"', few]
    if subprocess.run([*inside, "true"], stderr=subprocess.DEVNULL).returncode == 0:
        qconvert_alone, qconvert = qconvert, os.path.join(work, "inside")
        open(qconvert, "w").write("#!/bin/sh\nexec unshare -m sh -c 'mount --bind \"$0\" /proc/meminfo && exec \"$@\"' %s %s \"$@\"\n" % (few, qconvert_alone))
        os.chmod(qconvert, 0o755)
        check("the last of the memory", grows, 7, ["the run takes the last of 800 MB of memory", "fewer --workers take less"])

print("\n".join(failures))
sys.exit(len(failures) > 0)
PY
