#!/usr/bin/env bash
# The report page in a browser: what it shows, how it sorts, searches and follows clicks, and that it asks for nothing.
command -v chromium > /dev/null || { echo "skipped: no chromium (apt-get install chromium)"; exit 77; }
exec python3 - "$1" "$2" <<'PY'
import html, json, os, re, shutil, subprocess, sys, tempfile

qconvert, root = sys.argv[1:]
failures = []
DATA = re.compile(r'(<script type="application/json" id="data">)(.*?)(</script>)', re.S)


def check(name, found, expected):
    if found != expected:
        failures.append("%s: %r, expected %r" % (name, found, expected))


def browse(page, script):
    """What `script`, run behind the page's own, returns; with errors and requests."""
    driver = "<script>try { window.seen.result = (() => {%s})(); } catch (e) { window.seen.errors.push(String(e)); }" \
        "window.seen.requests = performance.getEntriesByType('resource').map((e) => e.name);" \
        "document.body.append(make('pre', JSON.stringify(window.seen), {id: 'seen'}));</script></body>" % script
    watch = "<head><script>window.seen = {errors: []}; addEventListener('error', (e) => window.seen.errors.push(e.message));" \
        "addEventListener('securitypolicyviolation', (e) => window.seen.errors.push('policy: ' + e.violatedDirective));</script>"
    page = page.replace("<head>", watch, 1).replace("</body>", driver, 1)
    open("driven.html", "w").write(page)
    done = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1240,900",
                           "--user-data-dir=" + os.path.abspath("profile"), "--virtual-time-budget=20000", "--dump-dom",
                           "file://" + os.path.abspath("driven.html")], capture_output=True, timeout=240)
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout.decode(), re.S)
    if not found:
        failures.append("no page: exit %d, %s" % (done.returncode, done.stderr.decode()[-400:]))
        return {}
    seen = json.loads(html.unescape(found.group(1)))
    check("errors", seen["errors"], [])
    check("requests", seen["requests"], [])
    return seen.get("result", {})


def page_of(*args):
    done = subprocess.run([qconvert, "model.onnx", "--calib", "calib", "-o", "q.onnx", "--report", "p.html", "--json", "v.json",
                           "--scheme", "static", "-q", *args], capture_output=True, timeout=240)
    check("exit of %s" % (args,), (done.returncode, done.stderr.decode()), (0, ""))
    return open("p.html").read()


SHOWN = """
const cells = (row) => [...row.cells].map((cell) => cell.textContent);
const rows = () => [...document.querySelectorAll('#layer-table tbody tr')];
const head = (title) => [...document.querySelectorAll('#layer-table th')].find((th) => th.textContent.startsWith(title));
const sort = (title) => { head(title).querySelector('button').click(); return [rows()[0].cells[1].textContent, head(title).getAttribute('aria-sort')]; };
const search = (text) => { $('search').value = text; $('search').dispatchEvent(new Event('input')); return rows().length; };
"""

with tempfile.TemporaryDirectory() as work:
    os.chdir(work)
    shutil.copytree(os.path.join(root, "examples/digits/calib"), "calib")
    shutil.copyfile(os.path.join(root, "examples/digits/model.onnx"), "model.onnx")
    page = page_of()
    check("bytes of a second run", page_of("--workers", "2") == page, True)
    if len(page) > 2_000_000:
        failures.append("the page has %d bytes" % len(page))
    data = json.loads(DATA.search(page).group(2))
    verdict = json.load(open("v.json"))
    check("the verdict in the page", {key: data[key] for key in verdict}, verdict)
    layers = data["layers"]
    check("sum of shares", round(sum(layer.get("share", 0) for layer in layers), 2), 1)
    worst = max(layers, key=lambda layer: layer.get("share", 0))
    heaviest = max(layers, key=lambda layer: layer.get("multiply_adds", 0))
    gemm = next(k for k, layer in enumerate(layers) if layer["op_type"] == "Gemm")

    seen = browse(page, SHOWN + """
    const out = {title: $('title').textContent, badge: $('badge').textContent, rows: rows().length, tiles: $('tiles').textContent};
    out.gemm = cells($('layer-%d'));
    out.culprit = $('culprit-list').querySelector('a').textContent;
    out.worst = sort('share');
    out.least = sort('share');
    out.macs = sort('MACs');
    out.found = search('gemm');
    out.none = search('gemm nothing');
    out.all = search('');
    out.graph = document.querySelectorAll('#graph-plot a').length;
    search('nothing at all');
    document.querySelector('#graph-plot a[data-row="%d"]').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}));
    out.jumped = document.querySelector('tr.chosen').id;
    const box = $('layer-%d').getBoundingClientRect();
    out.tensors = document.querySelectorAll('#chosen .plot').length;
    out.neighbours = [...document.querySelectorAll('#chosen p a')].map((a) => Number(a.dataset.row));
    out.visible = box.top >= 0 && box.bottom <= innerHeight;
    out.colours = new Set([...document.querySelectorAll('#graph-plot rect')].map((rect) => rect.getAttribute('fill'))).size;
    $('colour').value = 'format';
    $('colour').dispatchEvent(new Event('change'));
    out.formats = new Set([...document.querySelectorAll('#graph-plot rect')].map((rect) => rect.getAttribute('fill'))).size;
    $('colour').value = 'fusion';
    $('colour').dispatchEvent(new Event('change'));
    out.fusions = new Set([...document.querySelectorAll('#graph-plot rect')].map((rect) => rect.getAttribute('fill'))).size;
    out.changes = [$('against').hidden, document.querySelectorAll('nav a').length];
    out.depth = document.querySelectorAll('#depth-plot canvas').length;
    out.plots = [document.querySelectorAll('#value-plots .plot').length, document.querySelectorAll('#weight-plots .plot').length];
    out.config = $('config').textContent;
    return out;
    """ % (gemm, gemm, gemm))
    check("title", seen.get("title"), "model.onnx → q.onnx")
    check("badge", seen.get("badge"), "Passed: the output judged")
    check("rows", seen.get("rows"), len(layers))
    check("a row", seen.get("gemm", [])[1:7],
          [layers[gemm]["name"], "Gemm", "integer", "uint8 x int8"]
          + ["%.1f" % layers[gemm][key] for key in ("sqnr_alone_db", "sqnr_behind_db")])
    check("first culprit", seen.get("culprit"), worst["name"])
    check("sorted by share", seen.get("worst"), [worst["name"], "descending"])
    check("sorted the other way", seen.get("least", [0, 0])[1], "ascending")
    check("sorted by arithmetic", seen.get("macs"), [heaviest["name"], "descending"])
    check("search", [seen.get(key) for key in ("found", "none", "all")], [1, 0, len(layers)])
    check("graph", seen.get("graph"), len(layers))
    check("a click in the graph", [seen.get("jumped"), seen.get("visible")], ["layer-%d" % gemm, True])
    if seen.get("colours", 0) < 3 or not 2 <= seen.get("formats", 0) <= 5:
        failures.append("colours of the graph: %s, %s" % (seen.get("colours"), seen.get("formats")))
    check("tensors of the chosen node", seen.get("tensors"),
          sum(item.get("layer") == gemm for key in ("values", "weights") for item in data[key]))
    check("neighbours of the chosen node", seen.get("neighbours"), layers[gemm]["reads"]
          + [k for k, layer in enumerate(layers) if gemm in layer["reads"]])
    kernels = {layer["fused_into"] for layer in layers if "fused_into" in layer}
    check("colours of fused kernels", seen.get("fusions"), len(kernels) + 1)
    check("no earlier result", seen.get("changes"), [True, 9])
    check("plots", [seen.get("depth"), seen.get("plots")], [1, [len(data["values"]), len(data["weights"])]])
    if "activation" not in seen.get("config", "") or os.sep + "configs" in seen.get("config", ""):
        failures.append("settings: " + seen.get("config", "")[:200])

    # A large graph is laid out in part, on demand; names are text whatever they hold.
    evil = "<img src=x onerror=\"seen.errors.push('run')\">"
    many = [{"name": evil + str(k), "op_type": "Conv", "computes": "integer", "format": "uint8 x int8", "share": 1e-4 * (k % 7),
             "sqnr_alone_db": 40 + k % 9, "sqnr_behind_db": 30, "reads": [k - 1] if k else []} for k in range(5000)]
    large = dict(data, layers=many, values=[], weights=[])
    text = json.dumps(large).replace("<", "\\u003c")
    seen = browse(DATA.sub(lambda m: m.group(1) + text + m.group(3), page), SHOWN + """
    const out = {rows: rows().length, shown: $('shown').textContent, drawn: document.querySelectorAll('#graph-plot a').length};
    out.found = search('>4321');
    document.querySelector('#layer-table a[data-draw]').click();
    out.around = [...document.querySelectorAll('#graph-plot a')].map((a) => Number(a.dataset.row));
    out.images = document.images.length;
    return out;
    """)
    check("rows of a large graph", seen.get("rows"), 1000)
    check("what is said of it", seen.get("shown"), "5000 of 5000 nodes, the first 1000 shown: search for others")
    check("not drawn unasked", seen.get("drawn"), 0)
    check("found", seen.get("found"), 1)
    check("around", [len(seen.get("around", [])), 4321 in seen.get("around", [])], [60, True])
    check("images", seen.get("images"), 0)

    # What an earlier result decided otherwise.
    first = [layer["name"] for layer in layers if layer["computes"] == "integer"][0]
    os.rename("q.onnx", "old.onnx")
    os.rename("q_quant_info.json", "old_quant_info.json")
    seen = browse(page_of("--against", "old.onnx", "--keep-float", first), SHOWN + """
    return {hidden: $('against').hidden, note: $('against-note').textContent, heads: [...document.querySelectorAll('#against-tables h3')].map((h) => h.textContent),
            rows: [...document.querySelectorAll('#against-tables tbody tr')].map(cells)};""")
    check("the section of changes", [seen.get("hidden"), seen.get("note")], [False, "q.onnx against old.onnx: before, and now."])
    if not any(title.startswith("Chosen otherwise: ") for title in seen.get("heads", [])):
        failures.append("changes: %s" % seen.get("heads"))
    if not any(first in row[0] and row[1].startswith("integer") and row[2].startswith("float") for row in seen.get("rows", [])):
        failures.append("no row of %s in the changes: %s" % (first, seen.get("rows", [])[:8]))

    # Without samples nothing was measured, and the page says so.
    subprocess.run([qconvert, "calibrate", "model.onnx", "--calib", "calib", "-o", "t.json", "-q"], check=True)
    subprocess.run([qconvert, "model.onnx", "--table", "t.json", "-o", "t.onnx", "--report", "t.html", "-q"], check=True)
    seen = browse(open("t.html").read(), SHOWN + """
    return {badge: $('badge').textContent, note: $('culprits-note').textContent, rows: rows().length};""")
    check("without samples", [seen.get("badge"), seen.get("note"), seen.get("rows")],
          ["Not compared with the float model", "No node was measured alone: there are no samples.", len(layers)])

    # What debug measures besides: the guilty, and curves of what single parts leave.
    subprocess.run([qconvert, "debug", "model.onnx", "--calib", "calib", "--target", "47", "--report", "d.html", "-q"], check=True)
    page = open("d.html").read()
    data = json.loads(DATA.search(page).group(2))
    wide = "%.1f" % data["measured"]["sqnr_16_bit_values_db"]
    seen = browse(page, SHOWN + """
    return {note: $('culprits-note').textContent, guilty: [...$('guilty').querySelectorAll('a')].map((a) => a.textContent),
            text: $('guilty').textContent, curves: [...document.querySelectorAll('#depth-plot .u-label')].map((one) => one.textContent),
            whole: [...document.querySelectorAll('#culprit-list code')].map((code) => code.textContent)};""")
    check("values in 16 bits", "with values in 16 bits %s." % wide in seen.get("note", ""), True)
    check("the guilty", seen.get("guilty"), [data["layers"][k]["name"] for k in data["guilty"]["layers"]])
    check("names apart", seen.get("text", "").count(", /"), len(data["guilty"]["layers"]) - 1)
    check("curves", seen.get("curves"), ["node", "so far", "alone", "16-bit values, so far", "weights alone, so far",
                                         "values alone, so far"])
    if not any(text.startswith("--keep-float '/") for text in seen.get("whole", [])):
        failures.append("no option to paste: %s" % seen)

    # Two files as they are: where they drift apart.
    subprocess.run([qconvert, "compare", "model.onnx", "q.onnx", "--data", "calib", "--report", "c.html", "--json", "c.json", "-q"], check=True)
    page = open("c.html").read()
    data = json.loads(DATA.search(page).group(2))
    behind = {layer["name"]: layer["sqnr_behind_db"] for layer in data["layers"] if "sqnr_behind_db" in layer}
    seen = browse(page, SHOWN + """
    return {title: $('title').textContent, badge: $('badge').textContent, rows: rows().length, first: $('culprit-list').querySelector('a').textContent,
            items: $('culprit-list').children.length, hidden: ['sums', 'settings', 'values', 'weights'].map((id) => $(id).hidden),
            links: document.querySelectorAll('nav a').length, graph: document.querySelectorAll('#graph-plot a').length,
            depth: document.querySelectorAll('#depth-plot canvas').length, worst: sort('SQNR so far')};""")
    check("title of two files", seen.get("title"), "model.onnx → q.onnx")
    check("nothing was asked of them", seen.get("badge"), "Compared, no budget was given")
    check("nodes of the first", [seen.get("rows"), seen.get("graph")], [len(data["layers"])] * 2)
    check("what there is none of", [seen.get("hidden"), seen.get("links"), seen.get("depth")], [[True] * 4, 5, 1])
    check("the least first", seen.get("worst"), [min(behind, key=behind.get), "ascending"])
    if seen.get("first") not in behind or not 1 <= seen.get("items", 0) <= 10:
        failures.append("where they drift apart: %s" % seen)
    check("as the verdict says", {one["name"]: round(one["sqnr_db"], 6) for one in json.load(open("c.json"))["inner"]},
          {one["name"]: round(one["sqnr_db"], 6) for one in data["inner"]})

for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
PY
