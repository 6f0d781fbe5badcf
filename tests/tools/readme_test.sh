#!/usr/bin/env bash
# The tour of README: its commands run as they are written there, and say what stands below them. Numbers with a point, bars
# and the line of the processor are those of a machine; how many rounds fit into a time is, too, and which of nearly equal
# nodes would give more.
exec python3 - "$1" "$2" <<'PY'
import difflib, os, re, subprocess, sys, tempfile

qconvert, root = sys.argv[1:]
failures = []


def words(text):
    text = re.sub(r"^.*onnxruntime .*$|^.*, x86_64 .*$|^\d+ rounds|^ +[+]\S+ dB  --keep-float .*$", "", text, flags=re.M)
    return re.sub(r"-?\d+\.\d+(e[-+]?\d+)?", "N", text.replace("#", "")).split()


text = open(os.path.join(root, "README.md"), encoding="utf-8").read()
tour = re.findall(r"```\n(\$ build/bin/qconvert .*?|mkdir test .*?)```", text, re.S)
if len(tour) < 6:
    failures.append("README has %d commands with their output, expected 6 or more" % len(tour))
with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    os.makedirs("build/bin")
    os.symlink(os.path.join(root, "examples"), "examples")
    os.symlink(qconvert, "build/bin/qconvert")
    for step in tour:
        command, _, expected = step.partition("\n")
        if "import numpy" in command and subprocess.run(["python3", "-c", "import numpy"], stderr=subprocess.DEVNULL).returncode:
            print("left out: test pictures, python3 has no numpy here")
            os.makedirs("test")
            continue
        if "--data test" in command and not os.listdir("test"):
            continue
        done = subprocess.run(command.removeprefix("$ "), shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0 or words(done.stdout) != words(expected):
            failures.append("%s: exit %d, %s\n%s" % (command, done.returncode, done.stderr, "\n".join(
                difflib.unified_diff(expected.split("\n"), done.stdout.split("\n"), "README", "said", lineterm="", n=0))))
    for written in ("digits_int8.onnx", "digits_int8_quant_info.json", "digits.html", "why.html"):
        if not os.path.exists(written):
            failures.append("%s was not written" % written)

for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
PY
