'use strict';
// The graph, laid out by dagre when it is asked for: all of it, or what is around one node where it is large.
const kWholeGraph = 250;  // nodes that are laid out as a whole, when they come into view
const kDrawnAtOnce = 60;
const kAround = 60;
const graph = {rows: [], zoom: null, chosen: -1};

// The rows nearest to one, by edges in both directions.
function around(row) {
  const found = new Set([row]);
  for (const next of found) {
    for (const other of [...(layers[next].reads || []), ...readers[next]])
      if (found.size < kAround) found.add(other);
  }
  return [...found].sort((a, b) => a - b);
}

// By row, the kernel that it is a part of with others.
const unitOf = new Map();
layers.forEach((layer, row) => {
  if (isNumber(layer.fused_into)) unitOf.set(row, layer.fused_into).set(layer.fused_into, layer.fused_into);
});

function colourOf(row) {
  const layer = layers[row];
  if ($('colour').value === 'format') {
    return {integer: '#9fd8b4', fused: '#cdeed8', dynamic: '#f5d48a'}[layer.computes] || (layer.format === 'float' ? '#e3e6eb' : '#b9cdf7');
  }
  // A colour a kernel: neighbours differ by the golden angle.
  if ($('colour').value === 'fusion') return unitOf.has(row) ? `hsl(${Math.round(unitOf.get(row) * 137.5) % 360}, 60%, 78%)` : '#e3e6eb';
  const error = isComparison ? layer.sqnr_behind_db : layer.sqnr_alone_db;
  if (!isNumber(error)) return '#e3e6eb';
  const heat = Math.min(1, Math.max(0, (60 - error) / 50));  // 60 dB is cold, 10 dB is hot
  return `hsl(${Math.round(130 * (1 - heat))}, 70%, 72%)`;
}

function showLegend() {
  const keys = $('colour').value === 'fusion' ? [['#f0d9c2', 'one colour: one kernel'], ['#e3e6eb', 'by itself']] : $('colour').value === 'format' ?
      [['#9fd8b4', 'integer'], ['#cdeed8', 'fused'], ['#f5d48a', 'dynamic'], ['#b9cdf7', 'float, weights stored'], ['#e3e6eb', 'float']] :
      [['hsl(130, 70%, 72%)', isComparison ? '60 dB' : '60 dB alone'], ['hsl(65, 70%, 72%)', '35 dB'], ['hsl(0, 70%, 72%)', '10 dB'], ['#e3e6eb', 'not measured']];
  $('legend').replaceChildren(...keys.map(([colour, text]) => make('span', text, {class: 'key', style: `background:${colour}`})));
}

function layOut(rows) {
  const plan = new dagre.graphlib.Graph().setGraph({rankdir: 'LR', nodesep: 14, ranksep: 26, edgesep: 6}).setDefaultEdgeLabel(() => ({}));
  const inside = new Set(rows);
  for (const row of rows) plan.setNode(String(row), {width: Math.max(70, 8 * labelOf(row).length + 16), height: 24});
  for (const row of rows)
    for (const from of layers[row].reads || []) if (inside.has(from)) plan.setEdge(String(from), String(row));
  dagre.layout(plan);
  return plan;
}

const labelOf = (row) => layers[row].op_type.slice(0, 22);

function draw(rows) {
  if (graph.zoom) graph.zoom.destroy();
  graph.rows = rows;
  const plan = layOut(rows);
  const view = make('g', null, {class: 'viewport'});
  for (const {v, w} of plan.edges()) {
    const points = plan.edge(v, w).points;
    view.append(make('path', null, {d: 'M' + points.map(({x, y}) => `${x.toFixed(1)},${y.toFixed(1)}`).join('L')}));
  }
  for (const row of rows) {
    const {x, y, width, height} = plan.node(String(row));
    const layer = layers[row];
    view.append(make('a', null, {svg: true, href: `#layer-${row}`, 'data-row': row, class: row === graph.chosen ? 'chosen' : ''},
        make('title', `${layer.name} (${layer.op_type}), ${layer.format}, alone ${decibels(layer.sqnr_alone_db)} dB, so far ${decibels(layer.sqnr_behind_db)} dB`),
        make('rect', null, {x: x - width / 2, y: y - height / 2, width, height, rx: 4, fill: colourOf(row)}),
        make('text', labelOf(row), {x, y: y + 4})));
  }
  const svg = make('svg', null, {}, make('defs', null, {}, make('marker', null,
      {id: 'arrow', viewBox: '0 0 8 8', refX: 8, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto'}, make('path', null, {d: 'M0,0L8,4L0,8z'}))), view);
  $('graph-plot').replaceChildren(svg);
  graph.zoom = svgPanZoom(svg, {viewportSelector: '.viewport', fit: true, center: true, minZoom: 0.05, maxZoom: 40, mouseWheelZoomEnabled: false});
  showLegend();
  showAt();
}

// Brings the chosen node to the middle at a size that can be read.
function showAt() {
  const chosen = document.querySelector('#graph-plot a.chosen rect') || (graph.rows.length > 20 && document.querySelector('#graph-plot a rect'));
  if (!chosen) return;
  const {realZoom, width, height} = graph.zoom.getSizes();
  if (realZoom < 0.9) graph.zoom.zoomBy(0.9 / realZoom);
  const zoom = graph.zoom.getSizes().realZoom;
  const box = chosen.getBBox();
  graph.zoom.pan({x: width / (graph.chosen < 0 ? 8 : 2) - zoom * (box.x + box.width / 2), y: height / 2 - zoom * (box.y + box.height / 2)});
}

function drawFor(row) {
  graph.chosen = row;
  draw(layers.length <= kWholeGraph ? layers.map((layer, k) => k) : around(Math.max(row, 0)));
}

function startGraph() {
  $('graph-note').textContent = layers.length <= kWholeGraph ? 'A click on a node goes to its row and its tensors.' :
      `The graph has ${layers.length} nodes: a click on a name in the table draws the ${kAround} around it.`;
  $('draw').addEventListener('click', () => drawFor(culprits.length && layers.length > kWholeGraph ? culprits[0].row : -1));
  $('colour').addEventListener('change', () => graph.rows.length && draw(graph.rows));
  $('closer').addEventListener('click', () => graph.zoom && graph.zoom.zoomIn());
  $('further').addEventListener('click', () => graph.zoom && graph.zoom.zoomOut());
  $('fit').addEventListener('click', () => graph.zoom && graph.zoom.resetZoom() && graph.zoom.center());
  $('graph-plot').addEventListener('keydown', (event) => {
    const step = {ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60]}[event.key];
    if (!step || !graph.zoom) return;
    event.preventDefault();
    graph.zoom.panBy({x: step[0], y: step[1]});
  });
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-draw]');
    if (!link) return;
    view.chosen = Number(link.dataset.draw);
    showLayers();
    showChosen(view.chosen);
    drawFor(view.chosen);
  });
  if (layers.length && layers.length <= kDrawnAtOnce) {
    drawFor(-1);
  } else if (layers.length && layers.length <= kWholeGraph) {
    const watch = new IntersectionObserver((seen) => {
      if (!seen.some((entry) => entry.isIntersecting)) return;
      watch.disconnect();
      if (!graph.rows.length) drawFor(graph.chosen);
    }, {rootMargin: '400px'});
    watch.observe($('graph'));
  }
}
startGraph();
