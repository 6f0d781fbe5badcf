#!/usr/bin/env bash
# Runs the tests in the preset coverage and prints, per folder, which share of lines and branches they reach. OPTIONs go
# to ctest; build-coverage/lines.json has every line (gcovr's format).
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/tools/common.sh"
case ${1:-} in -h | --help) help_or_arguments "tools/coverage.sh [OPTION of ctest]..." '' "$1" ;; esac
cd "$root"
command -v gcovr > /dev/null || die "gcovr is not installed: tools/setup.sh --checks"
build coverage build-coverage
find build-coverage -name '*.gcda' -delete
status=0
run_ctest build-coverage --timeout 600 -E 'tools\.(install|invariance|interrupt)' "$@" || status=$?
gcovr --root . --filter 'src/' --filter 'include/' --filter 'tools/' --exclude-throw-branches -j "$(nproc)" \
  --json build-coverage/lines.json --json-summary build-coverage/summary.json build-coverage > /dev/null
python3 - build-coverage/summary.json <<'PY'
import collections, json, sys
folders = collections.defaultdict(lambda: [0] * 4)
for file in json.load(open(sys.argv[1]))["files"]:
    parts = file["filename"].split("/")
    folder = "/".join(parts[:2]) if parts[0] != "include" else "src/" + parts[2]
    counts = [file[key] for key in ("line_covered", "line_total", "branch_covered", "branch_total")]
    for name in (folder, "all"):
        folders[name] = [a + b for a, b in zip(folders[name], counts)]
print("%-24s %18s %18s" % ("folder", "lines", "branches"))
for name in sorted(folders, key=lambda name: (name == "all", name)):
    lines, all_lines, branches, all_branches = folders[name]
    print("%-24s %5.1f %% of %6d %5.1f %% of %6d" % (
        name, 100.0 * lines / max(all_lines, 1), all_lines, 100.0 * branches / max(all_branches, 1), all_branches))
PY
exit "$status"
