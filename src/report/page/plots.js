'use strict';
// Error along the depth, histograms of values, box plots of weights.
const kFirstPlots = 24;
const short = (value) => isNumber(value) ? String(Number(value.toPrecision(3))) : '–';
const styleOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function drawDepth() {
  const rows = layers.map((layer, row) => row).filter((row) => isNumber(layers[row].sqnr_behind_db) || isNumber(layers[row].sqnr_alone_db));
  if (!rows.length) return void ($('depth').hidden = true);
  const top = (value) => isNumber(value) ? Math.min(value, 120) : null;  // equal values are drawn at 120 dB
  const axis = () => ({stroke: styleOf('--soft'), grid: {stroke: styleOf('--line'), width: 1}, ticks: {stroke: styleOf('--line'), width: 1}});
  // Of debug alone.
  const parts = [['16-bit values, so far', 'sqnr_16_bit_values_behind_db', '--ink', [8, 3, 2, 3]], ['weights alone, so far', 'sqnr_weights_behind_db', '--good', [6, 3]], ['values alone, so far', 'sqnr_activations_behind_db', '--soft', [2, 3]]]
      .filter(([, key]) => rows.some((row) => isNumber(layers[row][key])));
  const series = (label, name, points, dash) => ({label, stroke: styleOf(name), width: points ? 0 : dash ? 1 : 2, dash, spanGaps: true,
                                            ...(dash ? {points: {show: false}} : {}),
                                            ...(points ? {paths: () => null, points: {show: true, size: 6, fill: styleOf(name)}} : {})});
  const draw = () => {
    $('depth-plot').replaceChildren();
    const plot = new uPlot({
      width: Math.min(1140, $('depth').clientWidth), height: 260, scales: {x: {time: false}},
      axes: [{...axis(), values: (u, marks) => marks.map((mark) => Number.isInteger(mark) ? mark : '')}, {...axis(), label: 'dB'}],
      series: [{label: 'node', value: (u, row) => row === null ? '–' : `${row} ${layers[row].name}`},
               series('so far', '--accent', false), series('alone', '--warm', true),
               ...parts.map(([label, , colour, dash]) => series(label, colour, false, dash))],
    }, [rows, ...['sqnr_behind_db', 'sqnr_alone_db', ...parts.map(([, key]) => key)].map((key) => rows.map((row) => top(layers[row][key])))],
    $('depth-plot'));
    plot.over.addEventListener('click', () => {
      if (plot.cursor.idx !== null && plot.cursor.idx !== undefined) jumpTo(rows[plot.cursor.idx]);
    });
  };
  draw();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
}

function histogram(value) {
  const low = Math.min(value.seen[0], value.range[0]);
  const high = Math.max(value.seen[1], value.range[1]);
  const place = (number) => high > low ? 260 * (number - low) / (high - low) : 130;
  const bins = value.bins || [];
  const svg = make('svg', null, {viewBox: '0 0 260 76', role: 'img', preserveAspectRatio: 'none'},
      make('title', `${value.name}: seen ${short(value.seen[0])} to ${short(value.seen[1])}, represented ${short(value.range[0])} to ${short(value.range[1])}`));
  const width = (place(value.seen[1]) - place(value.seen[0])) / Math.max(1, bins.length);
  bins.forEach((share, bin) => {
    if (share <= 0) return;
    const height = Math.max(1, 70 * (1 + Math.log10(share) / 7));  // a ten-millionth is drawn at the bottom
    svg.append(make('rect', null, {x: place(value.seen[0]) + bin * width, y: 76 - height, width: Math.max(width, 0.5), height, class: 'fill'}));
  });
  for (const limit of value.range) svg.append(make('line', null, {x1: place(limit), x2: place(limit), y1: 0, y2: 76, class: 'limit'}));
  return make('div', null, {class: 'plot'}, make('h3', null, {}, ...breakable(value.name)), svg,
      make('div', `${value.type}, ${value.method}: ${short(value.range[0])} to ${short(value.range[1])}; seen ${short(value.seen[0])} to ${short(value.seen[1])}`),
      make('div', `clipped ${percent(value.clipped)}, from `, {}, layerLink(value.layer)));
}

function boxes(weight) {
  const numbers = weight.boxes.flatMap((box) => [box[1], box[5]]);
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  const place = (number) => high > low ? 74 - 72 * (number - low) / (high - low) : 38;
  const svg = make('svg', null, {viewBox: '0 0 260 76', role: 'img', preserveAspectRatio: 'none'},
      make('title', `${weight.name}: quartiles of ${weight.boxes.length} channels between ${short(low)} and ${short(high)}`));
  const width = 260 / Math.max(1, weight.boxes.length);
  weight.boxes.forEach(([channel, min, first, median, third, max], k) => {
    const middle = (k + 0.5) * width;
    svg.append(make('line', null, {x1: middle, x2: middle, y1: place(min), y2: place(max), class: 'whisker'}),
        make('rect', null, {x: k * width + width * 0.15, width: width * 0.7, y: place(third), height: Math.max(0.5, place(first) - place(third)), class: 'box'},
            make('title', `channel ${channel}: ${short(min)} to ${short(max)}, median ${short(median)}`)),
        make('line', null, {x1: k * width + width * 0.15, x2: (k + 1) * width - width * 0.15, y1: place(median), y2: place(median), class: 'median'}));
  });
  return make('div', null, {class: 'plot'}, make('h3', null, {}, ...breakable(weight.name)), svg,
      make('div', `${weight.type}, ${weight.scales === 1 ? 'one scale' : weight.scales + ' scales'}, ${short(low)} to ${short(high)}`),
      make('div', `${weight.boxes.length < weight.channels ? `widest ${weight.boxes.length} of ` : ''}${weight.channels} channels of `, {}, layerLink(weight.layer)));
}

// The worst layers first; more on request.
function showPlots(id, all, total, draw) {
  const known = all || [];
  if (!known.length) return void ($(id).hidden = true);
  const rank = new Map(culprits.map(({row}, k) => [row, k]));
  const order = known.map((item, k) => k).sort((a, b) => (rank.get(known[a].layer) ?? layers.length) - (rank.get(known[b].layer) ?? layers.length) || a - b);
  const place = $(id).querySelector('.plots');
  const more = make('button', '', {type: 'button'});
  let shown = 0;
  const show = (count) => {
    for (; shown < Math.min(count, order.length); ++shown) place.insertBefore(draw(known[order[shown]]), more);
    more.textContent = `Show ${order.length - shown} more`;
    more.hidden = shown === order.length;
  };
  place.append(more);
  more.addEventListener('click', () => show(order.length));
  $(`${id}-note`).append(make('span', total > known.length ? `${known.length} of ${total} are in this page, those of the worst layers. ` : ''));
  show(kFirstPlots);
}

drawDepth();
$('values-note').textContent = 'What calibration saw, on a logarithmic scale; red: the range that codes represent. ';
$('weights-note').textContent = 'Quartiles and extremes by channel. ';
showPlots('values', data.values, data.all_values, histogram);
showPlots('weights', data.weights, data.all_weights, boxes);
