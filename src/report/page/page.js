'use strict';
// The report: one JSON document in #data, everything else is made here. Names are untrusted: only
// textContent is ever set.
const data = JSON.parse(document.getElementById('data').textContent);
const layers = data.layers || [];
const kMostRows = 1000;
const isComparison = Boolean(data.inner);  // of two files: no node was measured alone
const $ = (id) => document.getElementById(id);

function make(tag, text, attributes, ...children) {
  const svg = ['svg', 'g', 'rect', 'line', 'path', 'text', 'title', 'defs', 'marker'].includes(tag) ||
      (attributes && attributes.svg);
  const element = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  if (text !== null && text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes || {})) if (name !== 'svg') element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// A long name breaks behind the signs that part it, not inside words.
const breakable = (name) => String(name).split(/(?<=[/._:])/).flatMap((part) => [part, make('wbr')]);
// What a node is called where its name shows nothing.
const titleOf = (layer) => (layer.name || '').trim() || layer.op_type;
const counted = (count, thing) => `${count} ${thing}${count === 1 ? '' : 's'}`;
const isNumber = (value) => typeof value === 'number';
const fixed = (value, digits) => isNumber(value) ? value.toFixed(digits) : '–';
const decibels = (value) => isNumber(value) ? (value >= 200 ? 'equal' : value.toFixed(1)) : '–';
const percent = (value) => isNumber(value) ? (100 * value).toFixed(value < 0.1 ? 2 : 1) + ' %' : '–';
function amount(value, unit = '') {
  for (const [size, prefix] of [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']])
    if (value >= size) return (value / size).toFixed(1) + ' ' + prefix + unit;
  return Math.round(value) + (unit ? ' ' + unit : '');
}

function table(heads, rows) {
  const body = rows.map((cells) => make('tr', null, {}, ...cells.map((cell, k) =>
      make('td', cell, heads[k].number ? {class: 'number'} : heads[k].wraps ? {class: 'reason'} : {}))));
  return make('table', null, {},
      make('thead', null, {}, make('tr', null, {}, ...heads.map((head) =>
          make('th', head.title, {scope: 'col', ...(head.number ? {class: 'number'} : {})})))),
      make('tbody', null, {}, ...body));
}

function showVerdict() {
  const names = [data.input, data.output].filter(Boolean);
  $('title').textContent = names.length ? names.join(' → ') : 'qconvert report';
  document.title = 'qconvert: ' + $('title').textContent;
  const outputs = data.outputs || [];
  const judged = outputs.filter((output) => output.result && output.result !== 'not judged');
  const failed = judged.filter((output) => output.result === 'failed');
  const [word, text] = !judged.length ? ['open', isComparison ? 'Compared, no budget was given' : 'Not compared with the float model'] :
      failed.length ? ['failed', `Failed: ${failed.length} of ${judged.length} outputs judged`] :
      ['passed', judged.length === 1 ? 'Passed: the output judged' : `Passed: all ${judged.length} outputs judged`];
  $('badge').append(make('span', text, {class: word}));
  const worst = judged.map((output) => output.sqnr_db).filter(isNumber);
  const tiles = [];
  if (worst.length) tiles.push(['worst output', decibels(Math.min(...worst)) + ' dB']);
  if (data.bytes_after) tiles.push(['size', `${amount(data.bytes_before, 'B')} → ${amount(data.bytes_after, 'B')}`]);
  if (data.nodes) tiles.push(['nodes', `${data.nodes.integer} integer, ${data.nodes.fused} fused, ${data.nodes.float} float`]);
  if (data.noise) tiles.push(['weights alone, values alone', `${decibels(data.noise.weights_alone_sqnr_db)} dB, ${decibels(data.noise.values_alone_sqnr_db)} dB`]);
  if (data.scheme) tiles.push([data.scheme.reason, data.scheme.name]);
  for (const [name, value] of tiles) $('tiles').append(make('div', null, {class: 'tile'}, make('b', value), make('span', name, {class: 'soft'})));
  if (outputs.length) {
    $('outputs').append(table(
        [{title: 'output'}, {title: 'result'}, {title: 'cosine', number: true}, {title: 'SQNR dB', number: true},
         {title: 'max error', number: true}, {title: 'what was judged', wraps: true}],
        outputs.map((output) => [output.name, output.result || '–', fixed(output.cosine, 6), decibels(output.sqnr_db),
                                 isNumber(output.max_error) ? output.max_error.toPrecision(4) : '–', output.verdict || ''])));
  }
  if (data.compared_samples > 0) $('outputs').append(make('p', `Compared on ${data.compared_samples} ${data.compared_on}, ${data.samples} calibrated.`, {class: 'soft'}));
  if ((data.corrections || []).length) {
    $('outputs').append(make('h3', 'Corrections that were tried'), table(
        [{title: 'correction'}, {title: 'of'}, {title: 'kept'}, {title: 'dB before', number: true}, {title: 'dB after', number: true},
         {title: 'remark', wraps: true}],
        data.corrections.map((one) => [one.name, `${one.layers} ${one.of}`, one.kept ? 'yes' : 'no', decibels(one.sqnr_db_before),
                                       decibels(one.sqnr_db_after), one.remark || ''])));
  }
  if (data.tried) {
    $('outputs').append(make('h3', 'What --auto tried'), table(
        [{title: 'tried', wraps: true}, {title: 'result'}, {title: 'SQNR dB', number: true}, {title: 'decisions changed', number: true},
         {title: 'size', number: true}, {title: 'integer nodes', number: true}, {title: 'ms', number: true}],
        data.tried.map((one) => [one.name, one.chosen ? 'chosen' : !one.passes ? 'fails' : one.frontier ? 'on the frontier' : 'passes',
                                 decibels(one.sqnr_db), percent(one.flips), amount(one.bytes, 'B'), one.integer_nodes, fixed(one.ms, 3)])));
  }
  for (const warning of data.warnings || []) $('warnings').append(make('li', warning));
}

function layerLink(row) {
  if (row === undefined || row === null) return make('span', 'input of the model', {class: 'soft'});
  return make('a', null, {href: `#layer-${row}`, 'data-row': row}, ...breakable(titleOf(layers[row])));
}

// Largest share of the error first; nodes that fused into others have none of their own.
const culprits = layers.map((layer, row) => ({layer, row})).filter(({layer}) => layer.share > 0)
    .sort((a, b) => b.layer.share - a.layer.share || a.row - b.row);

// Rows that read what a row writes.
const readers = layers.map(() => []);
layers.forEach((layer, row) => (layer.reads || []).forEach((from) => readers[from].push(row)));

// Of two files: the nodes that add most noise to what they read.
function showFarthest() {
  const before = (layer) => Math.min(200, ...layer.reads.map((from) => layers[from].sqnr_behind_db).filter(isNumber));
  const noise = (db) => db < 200 ? 10 ** (-db / 10) : 0;
  const far = layers.map((layer, row) => ({layer, row, read: before(layer), added: noise(layer.sqnr_behind_db) - noise(before(layer))}))
      .filter(({layer, added}) => isNumber(layer.sqnr_behind_db) && added > 0).sort((a, b) => b.added - a.added || a.row - b.row);
  $('culprits-note').textContent = far.length ? 'Where the two files drift apart: the nodes that add most noise to what they read.' :
      'Every value that both files have is the same.';
  for (const {layer, row, read} of far.slice(0, 10)) {
    $('culprit-list').append(make('li', null, {}, layerLink(row), make('span',
        ` ${layer.op_type}, ${decibels(layer.sqnr_behind_db)} dB` + (read < 200 ? `, what it reads ${decibels(read)} dB` : ''))));
  }
}

const suggestions = new Map((data.suggestions || []).map((one) => [one.layer, one]));

function showGuilty() {
  const guilty = data.guilty;
  if (!guilty) return;
  $('guilty').append(make('strong', guilty.text));
  guilty.layers.slice(0, 12).forEach((row, k) => $('guilty').append(k ? ', ' : ': ', layerLink(row)));
  if (guilty.layers.length > 12) $('guilty').append(` and ${guilty.layers.length - 12} more`);
}

// An option breaks behind its word, not at its hyphens.
function command(text) {
  const end = text.indexOf(' ');
  return end < 0 ? make('code', text) :
      make('code', null, {}, make('span', text.slice(0, end), {class: 'whole'}), text.slice(end));
}

function showCulprits() {
  if (isComparison) return showFarthest();
  const measured = data.measured || {};
  $('culprits-note').textContent = culprits.length ?
      `Each node quantized alone, on ${counted(measured.samples, 'sample')}; the whole model: ${decibels(measured.sqnr_db)} dB there` +
      (isNumber(measured.sqnr_weights_db) ? `, its weights alone ${decibels(measured.sqnr_weights_db)}` : '') +
      (isNumber(measured.sqnr_activations_db) ? `, its values alone ${decibels(measured.sqnr_activations_db)}` : '') +
      (isNumber(measured.sqnr_16_bit_values_db) ? `, with values in 16 bits ${decibels(measured.sqnr_16_bit_values_db)}` : '') + '. ' +
      `${counted(measured.runs, 'run')} of both models in one.` :
      measured.samples ? `No node changes the outputs by itself, on ${counted(measured.samples, 'sample')}.` :
      `No node was measured alone: ${measured.why_none || 'nothing is known'}.`;
  for (const {layer, row} of culprits.slice(0, 10)) {
    const suggestion = suggestions.get(row);
    const item = make('li', null, {},
        make('span', null, {class: 'track'}, make('span', '', {class: 'meter', style: `width:${Math.max(2, 100 * layer.share)}%`})),
        layerLink(row),
        make('span', ` ${layer.op_type}, ${percent(layer.share)} of the error, alone ${decibels(layer.sqnr_alone_db)} dB` +
            (isNumber(layer.sqnr_weights_db) ? `, its weights alone ${decibels(layer.sqnr_weights_db)} dB` : '') +
            (isNumber(layer.sqnr_activations_db) ? `, its values alone ${decibels(layer.sqnr_activations_db)} dB` : '')));
    for (const finding of layer.findings || []) {
      item.append(make('br'), make('span', `${finding.cause}: ${finding.text} `, {class: 'soft'}));
      if (finding.advice) item.append(make('span', 'try ', {class: 'soft'}), command(finding.advice));
    }
    if (suggestion) {
      item.append(make('br'), make('span', `left float, the outputs gain ${fixed(suggestion.gain_db, 1)} dB: `, {class: 'soft'}),
          command(suggestion.advice));
    }
    $('culprit-list').append(item);
  }
}

const columns = [
  {key: 'row', title: '#', number: true, of: (layer, row) => row, text: (value) => String(value)},
  {key: 'name', title: 'node', of: (layer) => layer.name || ''},
  {key: 'op_type', title: 'type', of: (layer) => layer.op_type},
  {key: 'computes', title: 'computes', of: (layer) => layer.computes},
  {key: 'format', title: 'format', of: (layer) => layer.format},
  {key: 'alone', title: 'SQNR alone dB', number: true, of: (layer) => layer.sqnr_alone_db, text: decibels},
  {key: 'behind', title: 'SQNR so far dB', number: true, of: (layer) => layer.sqnr_behind_db, text: decibels},
  {key: 'own_weights', title: 'own weights dB', number: true, of: (layer) => layer.sqnr_own_weights_db, text: decibels},
  {key: 'own_inputs', title: 'own inputs dB', number: true, of: (layer) => layer.sqnr_own_inputs_db, text: decibels},
  {key: 'share', title: 'share of error', number: true, of: (layer) => layer.share, text: percent},
  {key: 'saved', title: 'saved µs (est.)', number: true, of: (layer) => layer.saved_us, text: (value) => fixed(value, 1)},
  {key: 'macs', title: 'MACs', number: true, of: (layer) => layer.multiply_adds, text: (value) => isNumber(value) ? amount(value) : '–'},
  {key: 'reason', title: 'reason or cause', wraps: true,
   of: (layer) => [layer.reason, ...(layer.findings || []).map((finding) => `${finding.cause}: ${finding.text}`)].filter(Boolean).join('; ')},
];
const view = {key: 'row', descending: false, chosen: -1};

function compare(a, b) {
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : isNumber(b) ? 1 : String(a ?? '').localeCompare(String(b ?? ''), 'en');
  const order = isNumber(a) ? a - b : String(a ?? '').localeCompare(String(b ?? ''), 'en');
  return view.descending ? -order : order;
}

function visibleRows() {
  const words = $('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  const column = columns.find(({key}) => key === view.key);
  return layers.map((layer, row) => row).filter((row) => {
    const text = [columns[1], columns[2], columns[3], columns[4], columns.at(-1)].map(({of}) => of(layers[row], row)).join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  }).sort((a, b) => compare(column.of(layers[a], a), column.of(layers[b], b)) || a - b);
}

function showLayers() {
  const rows = visibleRows();
  const body = rows.slice(0, kMostRows).map((row) => make('tr', null, {id: `layer-${row}`, ...(row === view.chosen ? {class: 'chosen'} : {})},
      ...columns.map(({of, text, number, wraps, key}) => {
        const value = of(layers[row], row);
        const shown = text ? text(value) : String(value ?? '');
        const cell = make('td', key === 'name' ? null : shown, number ? {class: 'number'} : wraps ? {class: 'reason'} : {});
        if (key === 'name') cell.append(make('a', null, {href: '#graph', 'data-draw': row}, ...breakable(shown.trim() || '(no name)')));
        return cell;
      })));
  $('layer-table').tBodies[0].replaceChildren(...body);
  $('shown').textContent = `${rows.length} of ${layers.length} nodes` +
      (rows.length > kMostRows ? `, the first ${kMostRows} shown: search for others` : '');
  for (const head of document.querySelectorAll('#layer-table th'))
    head.setAttribute('aria-sort', head.dataset.key !== view.key ? 'none' : view.descending ? 'descending' : 'ascending');
}

function sortBy(key, number) {
  view.descending = view.key === key ? !view.descending : key === 'share' || key === 'saved' || key === 'macs';
  view.key = key;
  showLayers();
}

// Shows a row wherever it is in the table.
function jumpTo(row) {
  view.chosen = row;
  if (!visibleRows().slice(0, kMostRows).includes(row)) $('search').value = '';
  if (!visibleRows().slice(0, kMostRows).includes(row)) [view.key, view.descending] = ['row', false];
  showLayers();
  const element = $(`layer-${row}`);
  if (element) element.scrollIntoView({block: 'center'});
  showChosen(row);
}

// Under the table: who the node stands between, and its tensors.
function showChosen(row) {
  const named = (title, rows) => rows.length ? make('p', title + ' ', {}, ...rows.slice(0, 12).flatMap((other) => [layerLink(other), ' ']),
      rows.length > 12 ? `and ${rows.length - 12} more` : '') : '';
  const layer = layers[row];
  const of = (items) => (items || []).filter((item) => item.layer === row);
  const fused = layers.map((other, k) => k).filter((k) => layers[k].fused_into === row);
  $('chosen').replaceChildren(make('h3', null, {}, ...breakable(titleOf(layer))),
      named('reads', layer.reads || []), named('read by', readers[row]), named('fused into it', fused),
      isNumber(layer.fused_into) ? named('fused into', [layer.fused_into]) : '',
      make('div', null, {class: 'plots'}, ...of(data.values).map(histogram), ...of(data.weights).map(boxes)));
}

function showSums() {
  const sums = new Map();
  for (const layer of layers) {
    const sum = sums.get(layer.format) || {nodes: 0, macs: 0, bytes: 0, saved: 0};
    sum.nodes += 1;
    sum.macs += layer.multiply_adds || 0;
    sum.bytes += layer.weight_bytes || 0;
    sum.saved += layer.saved_us || 0;
    sums.set(layer.format, sum);
  }
  $('sum-tables').append(table(
      [{title: 'computed as'}, {title: 'nodes', number: true}, {title: 'MACs', number: true}, {title: 'weights as written', number: true},
       {title: 'kernels save µs (est.)', number: true}],
      [...sums].map(([format, sum]) => [format, sum.nodes, amount(sum.macs), amount(sum.bytes, 'B'), fixed(sum.saved, 1)])));
  if (data.bytes_after) $('sum-tables').append(make('p', `File: ${amount(data.bytes_before, 'B')} → ${amount(data.bytes_after, 'B')} ` +
      `(${fixed(data.bytes_after / Math.max(1, data.bytes_before), 2)}).`));
  $('config').textContent = data.config || '';
}

const kMostChanges = 200;

// What an earlier result decided otherwise.
function showAgainst() {
  const against = data.against;
  if (!against) {
    $('against').hidden = true;
    document.querySelector('nav a[href="#against"]').remove();
    return;
  }
  $('against-note').textContent = `${against.b} against ${against.a}: ` + (against.equal ? 'the same parameters and choices.' : 'before, and now.');
  const list = (title, rows) => {
    if (!rows.length) return;
    $('against-tables').append(make('h3', `${title}: ${rows.length}`), table(
        [{title: 'what', wraps: true}, {title: 'before', wraps: true}, {title: 'now', wraps: true}], rows.slice(0, kMostChanges)));
    if (rows.length > kMostChanges) $('against-tables').append(make('p', `The first ${kMostChanges} are shown.`, {class: 'note'}));
  };
  const range = ([low, high]) => `${low.toPrecision(4)} to ${high.toPrecision(4)}`;
  const pairs = (items) => items.map((item) => [item.what || item.name, item.a, item.b]);
  list('Made of other things', pairs(against.origin));
  list('Chosen otherwise', pairs(against.choices));
  list('Parameters moved', pairs(against.moved));
  list('Clip now: seen before, codes now', against.clipped.map((item) => [item.name, range(item.seen), range(item.codes)]));
  list('Values with codes before only', against.only_in_a.map((name) => [name, 'codes', '–']));
  list('Values with codes now only', against.only_in_b.map((name) => [name, '–', 'codes']));
}

function start() {
  $('layer-table').tHead.append(make('tr', null, {}, ...columns.map(({key, title, number}) => {
    const button = make('button', title, {type: 'button'});
    button.addEventListener('click', () => sortBy(key, number));
    return make('th', null, {scope: 'col', 'data-key': key, ...(number ? {class: 'number'} : {})}, button);
  })));
  $('search').addEventListener('input', showLayers);
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[data-row]');
    if (!link) return;
    event.preventDefault();
    jumpTo(Number(link.dataset.row));
  });
  showVerdict();
  showGuilty();
  showCulprits();
  showLayers();
  showSums();
  showAgainst();
  for (const id of ['culprits', 'layers', 'depth', 'values', 'weights', 'graph', 'sums'])
    if (!layers.length) $(id).hidden = true;
  if (!isComparison) return;
  for (const id of ['sums', 'settings', 'values', 'weights']) {
    $(id).hidden = true;
    document.querySelector(`nav a[href="#${id}"]`).remove();
  }
}
start();
