#!/usr/bin/env bash
# tools/target_table.py on the shipped example, two rows of its table: metric and size of each, the ratio of the CPU's file, and
# what stands there instead where a conversion is refused.
exec python3 - "$1" "$2" <<'PY'
import os, re, subprocess, sys, tempfile

qconvert, root = sys.argv[1:]
failures = []


def expect(text, pattern):
    if not re.search(pattern, text, re.M):
        failures.append("no line like '%s' in:\n%s" % (pattern, text))


with tempfile.TemporaryDirectory() as work:
    os.mkdir(os.path.join(work, "broken"))
    with open(os.path.join(work, "broken", "model.onnx"), "w") as file:
        file.write("no model")
    os.mkdir(os.path.join(work, "digits"))
    os.symlink(os.path.join(root, "examples/digits/model.onnx"), os.path.join(work, "digits/model.onnx"))
    os.symlink(os.path.join(root, "examples/digits/calib"), os.path.join(work, "digits/digits"))
    def table(*more):
        done = subprocess.run([sys.executable, os.path.join(root, "tools/target_table.py"), qconvert, work, work, *more],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=240)
        if done.returncode != 0 or done.stderr:
            failures.append("%s: exit %d, %s" % (more, done.returncode, done.stderr))
        return done.stdout

    told = table("--only", "digits", "--variants", "^CPU any$|^TensorRT int8$")
    expect(told, r"^Processor: ")
    expect(told, r"^\| digits \| CPU any \| \d+\.\d dB \| 0\.\d\d \| \d+\.\d\d \|$")
    expect(told, r"^\| digits \| TensorRT int8 \| \d+\.\d dB \| 0\.\d\d \|  \|$")
    if told.count("| digits |") != 2:
        failures.append("two rows were asked for:\n" + told)
    expect(table("--only", "broken", "--variants", "^QNN 8$"), r"^\| broken \| QNN 8 \| exit 4: .*broken/model\.onnx")

for failure in failures:
    print("FAIL: " + failure)
sys.exit(1 if failures else 0)
PY
