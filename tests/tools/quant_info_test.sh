#!/usr/bin/env bash
# --quant-info on the command line: the same bytes, nothing beside it that decides, files that are none or broken.
exec python3 - "$1" "$2" <<'PY'
import json, os, random, shutil, subprocess, sys, tempfile

qconvert, root = sys.argv[1:]
failures = []
model, data = (os.path.join(root, "examples/digits", name) for name in ("model.onnx", "calib"))


def run(*args, expect, stderr="", stdout=""):
    done = subprocess.run([qconvert, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    errors = done.stderr.decode(errors="replace")
    codes = expect if isinstance(expect, tuple) else (expect,)
    if done.returncode not in codes or stderr not in errors or stdout not in done.stdout.decode():
        failures.append("%s: exit %d, expected %s with '%s': %s%s" %
                        (args, done.returncode, expect, stderr, errors, done.stdout.decode()))
    if done.returncode and (not errors.endswith("\n") or any(len(line) > 600 for line in errors.splitlines())):
        failures.append("%s: no line, or one of more than 600 characters: %s" % (args, errors))
    return done


def read(name):
    with open(name, "rb") as file:
        return file.read()


with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    shutil.copyfile(model, "model.onnx")
    run("model.onnx", "--calib", data, "-q", "-o", "first.onnx", expect=0)
    plan = ["model.onnx", "--quant-info", "first_quant_info.json"]
    run(*plan, "-o", "again.onnx", expect=0, stdout="not compared with the float model")
    run(*plan, "-o", "compared.onnx", "--calib", data, "--workers", "1", expect=0, stdout="judged   scores passes")
    for name in ("again", "compared"):
        for end in (".onnx", "_quant_info.json"):
            if read("first" + end) != read(name + end):
                failures.append("first%s and %s%s differ" % (end, name, end))

    # The same settings in other words have the same hash.
    with open("printed.yaml", "wb") as file:
        file.write(run("model.onnx", "--print-config", expect=0).stdout)
    run("model.onnx", "--config", "printed.yaml", "--calib", data, "-q", "-o", "printed.onnx", expect=0)
    for end in (".onnx", "_quant_info.json"):
        if read("first" + end) != read("printed" + end):
            failures.append("first%s and printed%s differ" % (end, end))

    # The file says all; it is an input.
    before = sorted(os.listdir("."))
    for more in (["--config", "cpu_int8"], ["--set", "activation.method=maxmin"], ["--scheme", "static"],
                 ["--objective", "size"], ["--processor", "vnni"], ["--cost-table", "c.json"], ["--table", "t.json"], ["--float-only"], ["--print-config"], ["--export-config", "e.json"],
                 ["--calib-batch", "2"], ["--stop-after", "normalize"], ["--keep-float", "/head/*"], ["--effort", "high"]):
        run(*plan, "-o", "no.onnx", *more, expect=2, stderr="--quant-info excludes " + more[0])
    run(*plan, "-o", "first.onnx", expect=2, stderr="is an input")
    run(*plan, "-o", "no.onnx", "--json", "first_quant_info.json", expect=2, stderr="is an input")
    run(*plan, "-o", "no.onnx", "--must-pass", expect=8, stderr="expected --calib besides --quant-info")
    run("model.onnx", "--quant-info", "none.json", expect=6, stderr="none.json")
    run("first.onnx", "--quant-info", "first_quant_info.json", "-o", "no.onnx", expect=3,
        stderr="first_quant_info.json:4:")

    # Broken by hand and by chance: exit 3 with lines, or a plan, or one that the engine refuses; never a fault of ours.
    text = read("first_quant_info.json").decode()
    draw = random.Random(3)
    for k in range(60):
        cut = draw.randrange(len(text))
        broken = text[:cut] if k % 3 == 0 else text[:cut] + draw.choice(",:[]{}\"-0 9e") + text[cut + draw.randrange(3):]
        open("broken.json", "w").write(broken)
        run("model.onnx", "--quant-info", "broken.json", "-q", "-o", "broken.onnx", expect=(3,) if k % 3 == 0 else (0, 3, 4))
        for name in ("broken.onnx", "broken_quant_info.json"):
            if os.path.exists(name):
                os.remove(name)
    os.remove("broken.json")
    for bad in (b"", b"{}", b"[]", b"\x00\x01", b"\xff\xfe", b"{\"format\": 1}", json.dumps({"a": 1}).encode() * 2):
        open("bad.json", "wb").write(bad)
        run("model.onnx", "--quant-info", "bad.json", "-o", "no.onnx", expect=3, stderr="bad.json")
    os.remove("bad.json")
    if sorted(os.listdir(".")) != before:
        failures.append("refused runs left files: %s" % sorted(os.listdir(".")))

print("\n".join(failures))
sys.exit(bool(failures))
PY
