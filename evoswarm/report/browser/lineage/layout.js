/**
 * Where everybody stands: positions in units of their own, columns to the right and rows downwards, which a camera scales.
 * @typedef {{x: Float64Array, y: Float64Array, places: number[], width: number, height: number, step: number,
 *   columns: {at: number, label: string}[], bands: {top: number, bottom: number, island: number}[],
 *   beneath?: boolean}} Layout
 *   `step` is the least distance of two neighbours in a row, in columns; `beneath`: room is wanted under the rows.
 */

/** Pixels of a usual picture, by which rows and columns are shared out. */
const USUAL = { width: 720, height: 460 };

/** Everybody: a column per generation, a band per island, the most accurate on top; who migrated stands right in its column. */
function everybody(people) {
  const generations = inOrder(people.generation);
  const islands = inOrder(people.island);
  const cells = islands.map(() => generations.map(() => ({ bred: [], arrived: [] })));
  const [column, band] = [placeByValue(generations), placeByValue(islands)];
  people.id.forEach((_, place) => {
    const cell = cells[band.get(people.island[place])][column.get(people.generation[place])];
    (people.migrated_from[place] === NO_ONE ? cell.bred : cell.arrived).push(place);
  });
  const arrivals = cells.some((row) => row.some((cell) => cell.arrived.length)) ? 1 : 0;
  const across = subcolumns(cells, generations.length, arrivals);
  const layout = { x: new Float64Array(people.id.length), y: new Float64Array(people.id.length), places: people.id.map((_, place) => place), bands: [] };
  let top = 0;
  cells.forEach((row, number) => {
    let deepest = 1;
    row.forEach((cell, generation) => {
      cell.bred.sort(byAccuracy(people)).forEach((place, order) => stand(layout, place, generation + ((order % across) + 0.5) / (across + arrivals), top + Math.floor(order / across)));
      cell.arrived.sort(byAccuracy(people)).forEach((place, order) => stand(layout, place, generation + (across + 0.5) / (across + arrivals), top + order));
      deepest = Math.max(deepest, Math.ceil(cell.bred.length / across), cell.arrived.length);
    });
    layout.bands.push({ top: top - 0.5, bottom: top + deepest - 0.5, island: islands[number] });
    top += deepest + 1 + deepest * 0.04;
  });
  const columns = generations.map((generation, number) => ({ at: number + 0.5, label: String(generation) }));
  return { ...layout, columns, width: generations.length, height: top, step: 1 / (across + arrivals) };
}

/** How many stand side by side in a cell: as many as keep rows no closer than columns, where rows get close. */
function subcolumns(cells, generations, arrivals) {
  const rows = (across) => cells.reduce((sum, row) => sum + 1 + Math.max(1, ...row.map((cell) => Math.ceil(cell.bred.length / across))), 0);
  const high = (across) => USUAL.height / rows(across);
  const wide = (across) => USUAL.width / generations / (across + arrivals);
  let across = 1;
  while (high(across) < 10 && wide(across + 1) >= high(across + 1) && across < 1000) across += 1;
  return across;
}

/**
 * Some alone (the keys of a Map), layer by layer: those of a generation one above the other, near their parents and children; `line` runs
 * straight through the middle, or beneath all others where they are to stand `above`.
 */
function layered(people, kin, some, line, above) {
  const layers = layersOf(people, some);
  const straight = new Set(line);
  const y = new Float64Array(people.id.length);
  const settle = (layer, next) => {
    const pull = new Map(layer.map((place) => [place, meanRow(next[place].filter((one) => some.has(one)).map((one) => y[one]), y[place])]));
    layer.sort((one, two) => pull.get(one) - pull.get(two) || one - two);
    const middle = layer.findIndex((place) => straight.has(place));
    if (above && middle >= 0) layer.push(...layer.splice(middle, 1));
    const centre = above ? layer.length - (middle >= 0) : middle < 0 ? (layer.length - 1) / 2 : middle;
    layer.forEach((place, order) => { y[place] = order - centre; });
  };
  layers.forEach((layer) => settle(layer.places, kin.parents));
  for (let sweep = 0; sweep < 4; sweep += 1) {
    const backwards = sweep % 2 === 0;
    (backwards ? layers.toReversed() : layers).forEach((layer) => settle(layer.places, backwards ? kin.children : kin.parents));
  }
  return { ...layeredAt(people, layers, y), beneath: above };
}

/** The layers in order: of every generation first who was bred in it, then who migrated in it. */
function layersOf(people, some) {
  const layers = new Map();
  for (const place of [...some.keys()].sort((one, two) => one - two)) {
    const key = people.generation[place] + (people.migrated_from[place] === NO_ONE ? 0 : 0.5);
    if (!layers.has(key)) layers.set(key, { key, places: [] });
    layers.get(key).places.push(place);
  }
  return [...layers.values()].sort((one, two) => one.key - two.key);
}

function layeredAt(people, layers, y) {
  const x = new Float64Array(people.id.length);
  const places = layers.flatMap((layer) => layer.places);
  const top = places.reduce((least, place) => Math.min(least, y[place]), 0);
  const bottom = places.reduce((most, place) => Math.max(most, y[place]), 0);
  layers.forEach((layer, number) => layer.places.forEach((place) => { x[place] = number + 0.5; y[place] -= top; }));
  const columns = layers.map(({ key }, number) => ({ at: number + 0.5, label: Number.isInteger(key) ? String(key) : "" }));
  return { x, y, places, columns, bands: [], width: layers.length, height: bottom - top + 1, step: 1 };
}

function stand(layout, place, x, y) {
  layout.x[place] = x;
  layout.y[place] = y;
}

/** Sorts the more accurate first, failures last, equals as the file has them. */
const byAccuracy = (people) => (one, two) => (people.score[two] ?? -1) - (people.score[one] ?? -1) || one - two;

const inOrder = (values) => [...new Set(values)].sort((one, two) => one - two);

const placeByValue = (values) => new Map(values.map((value, place) => [value, place]));

const meanRow = (values, otherwise) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : otherwise);
