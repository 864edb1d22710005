/**
 * The picture: marks, kinships and labels on a canvas, drawn once a frame at most, and of what is seen alone.
 * @typedef {Object} Shown what is to be seen beside everybody:
 *   `layout`, `selected` (a place or NO_ONE), `kin` (Map of who is highlighted), `line` (places of the thread, in order),
 *   `edges` ([parent, child, kind][]), `hits` (Set of places that a search found), `hovered`, `champion`, `labels`
 *   (whether marks are named where there is room), `steps` (Map of places to texts that stand beneath them, or null).
 */
class LineagePicture {
  /** @param {{people: Object, shapes: Uint8Array, shades: Object}} run */
  constructor(run, label) {
    this.run = run;
    this.camera = new Camera();
    this.canvas = el("canvas", { class: "lineage-picture", tabindex: "0", role: "application", "aria-roledescription": "lineage", "aria-label": label });
    this.pixels = new MarkPixels();
    this.waiting = false;
    this.shown = null;
    new ResizeObserver(() => this.resized()).observe(this.canvas);
    colours.changed(() => {
      this.palette = null;
      this.redraw();
    });
  }

  /** Shows something; in another layout as far as it can be read, unless all of it is wanted. */
  show(shown, whole) {
    const other = this.camera.layout !== shown.layout;
    this.shown = shown;
    this.camera.layout = shown.layout;
    if (other) this.aim = () => (whole ? this.camera.fit() : this.camera.readable(shown.steps ? 172 : 84, 30, shown.selected));
    if (other) this.aim();
    this.redraw();
  }

  resized() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (!width || !this.shown) return;
    const ratio = Math.min(devicePixelRatio || 1, 3);
    const first = this.camera.width === 1;
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    Object.assign(this.camera, { width, height, ratio });
    if (first || this.camera.fitted) this.aim();
    this.redraw();
  }

  redraw() {
    if (this.waiting || !this.shown) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.camera.width > 1) this.draw();
    });
  }

  draw() {
    const { camera, shown } = this;
    const pen = this.canvas.getContext("2d", { alpha: false });
    this.palette ??= { ...lineagePalette(), font: `12px ${getComputedStyle(this.canvas).fontFamily}` };
    const { palette } = this;
    const seen = camera.visible();
    const highlighted = seen.filter((place) => shown.kin.has(place));
    const above = highlighted.length > MANY ? [] : highlighted;
    this.pixels.draw(pen, camera, palette, this.run, seen, (place) => shown.kin.size > 0 && !shown.kin.has(place));
    pen.setTransform(camera.ratio, 0, 0, camera.ratio, 0, 0);
    pen.font = palette.font;
    drawKinships(pen, camera, palette, shown);
    drawMarks(pen, camera, palette, this.run, above);
    drawRings(pen, camera, palette, shown, seen);
    drawNames(pen, camera, palette, this.run, shown, seen);
    if (shown.steps) drawSteps(pen, camera, palette, shown.steps, seen);
    drawScale(pen, camera, palette);
    this.tell();
  }

  /** Says in attributes what is drawn: a canvas shows nothing else to whoever cannot see it. */
  tell() {
    const { camera, shown } = this;
    Object.assign(this.canvas.dataset, {
      frames: String(Number(this.canvas.dataset.frames ?? 0) + 1),
      selected: this.run.people.id[shown.selected],
      highlighted: String(shown.kin.size),
      camera: [camera.kx, camera.ky, camera.tx, camera.ty].map((value) => value.toFixed(1)).join(" "),
    });
  }
}

/** Kinships, or marks above them: more are drawn in a simpler way. */
const MANY = 1000;

/** Marks over kinships, all of one shape and shade in one go. */
function drawMarks(pen, camera, palette, { shapes, shades }, places) {
  const groups = new Map();
  for (const place of places) {
    const look = shapes[place] * SHADES + shades.of[place];
    if (!groups.has(look)) groups.set(look, []);
    groups.get(look).push(place);
  }
  const { layout, radius } = camera;
  for (const [look, group] of groups) {
    const shape = SHAPE_NAMES[Math.floor(look / SHADES)];
    pen.fillStyle = shape === "failed" ? palette.bad : palette.shades[look % SHADES];
    pen.beginPath();
    group.forEach((place) => SHAPES[shape].path(pen, camera.screenX(layout.x[place]), camera.screenY(layout.y[place]), radius));
    pen.fill();
  }
}

/** The thread, and over it kinships by kind. Where there are many, they are faint and undashed. */
function drawKinships(pen, camera, palette, { edges, line }) {
  pen.lineWidth = 6;
  pen.globalAlpha = 0.75;
  pen.strokeStyle = palette.thread;
  pen.beginPath();
  for (let step = 1; step < line.length; step += 1) kinshipCurve(pen, camera, line[step - 1], line[step]);
  pen.stroke();
  const seen = edges.filter(([parent, child]) => inSight(camera, parent, child));
  const many = seen.length > MANY;
  pen.lineWidth = many ? 0.7 : 1.6;
  pen.globalAlpha = many ? 0.35 : 1;
  for (const kind of Object.keys(KINSHIPS)) {
    pen.strokeStyle = palette.kinships[kind];
    pen.setLineDash(many ? [] : KINSHIPS[kind].dash);
    pen.beginPath();
    for (const [parent, child, how] of seen) if (how === kind) kinshipCurve(pen, camera, parent, child);
    pen.stroke();
  }
  pen.globalAlpha = 1;
  pen.setLineDash([]);
}

function inSight(camera, one, two) {
  const { layout, width, height } = camera;
  const [x, y] = [[layout.x[one], layout.x[two]].map((at) => camera.screenX(at)), [layout.y[one], layout.y[two]].map((at) => camera.screenY(at))];
  return Math.max(...x) > 0 && Math.min(...x) < width && Math.max(...y) > 0 && Math.min(...y) < height;
}

function kinshipCurve(pen, camera, one, two) {
  const { layout } = camera;
  const [ax, ay, bx, by] = [camera.screenX(layout.x[one]), camera.screenY(layout.y[one]), camera.screenX(layout.x[two]), camera.screenY(layout.y[two])];
  const bend = (bx - ax) / 2;
  pen.moveTo(ax, ay);
  pen.bezierCurveTo(ax + bend, ay, bx - bend, by, bx, by);
}

/** Rings: who was found, who is pointed at, who is selected. */
function drawRings(pen, camera, palette, { hits, hovered, selected, champion }, seen) {
  const ring = (place, more, width, colour) => {
    pen.lineWidth = width;
    pen.strokeStyle = colour;
    pen.beginPath();
    pen.arc(camera.screenX(camera.layout.x[place]), camera.screenY(camera.layout.y[place]), camera.radius + more, 0, 7);
    pen.stroke();
  };
  const here = new Set(seen);
  if (hits.size) seen.filter((place) => hits.has(place)).forEach((place) => ring(place, 2.5, 1.5, palette.accent));
  if (here.has(champion)) ring(champion, 5, 1.5, palette.thread);
  if (here.has(selected)) ring(selected, 3, 2.5, palette.ink);
  if (here.has(hovered)) ring(hovered, 3, 1.5, palette.ink);
}

/**
 * Names of who is selected, of the champion, of where the thread begins and of founders with names of their own, then of
 * everybody else where `labels` are wanted and rows are far enough apart; as far as there is room.
 */
function drawNames(pen, camera, palette, { people, kin }, { labels, kin: highlighted, line, selected, champion }, seen) {
  const here = new Set(seen);
  const founders = [...highlighted.keys()].filter((place) => !kin.parents[place].length && !operatorOf(people, place).endsWith("random"));
  const others = labels && camera.kx > 40 && camera.ky > 20 ? [...line, ...seen] : [];
  const wanted = new Set([selected, champion, line[0], ...founders, ...others].filter((place) => here.has(place)));
  const taken = [];
  pen.textAlign = "center";
  for (const place of [...wanted].slice(0, 300)) {
    const text = shortened(kin.parents[place].length ? people.id[place] : operatorOf(people, place), 28) + (place === champion ? " (champion)" : "");
    const half = pen.measureText(text).width / 2 + 2;
    const at = Math.min(camera.width - half, Math.max(half + camera.left - 14, camera.screenX(camera.layout.x[place])));
    const bottom = camera.screenY(camera.layout.y[place]) - camera.radius - 4;
    const box = { left: at - half, right: at + half, top: bottom - 14, bottom };
    if (taken.some((other) => box.left < other.right && box.right > other.left && box.top < other.bottom && box.bottom > other.top)) continue;
    taken.push(box);
    pen.globalAlpha = 0.8;
    pen.fillStyle = palette.paper;
    pen.fillRect(box.left, box.top, 2 * half, 14);
    pen.globalAlpha = 1;
    pen.fillStyle = palette.ink;
    pen.fillText(text, at, bottom - 3);
  }
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

const STEP_LINES = 10;

/** Texts beneath marks, as wide as a column, where columns are wide enough to read them. */
function drawSteps(pen, camera, palette, steps, seen) {
  if (camera.kx < 110) return;
  pen.textAlign = "center";
  pen.fillStyle = palette.faint;
  for (const place of seen.filter((one) => steps.has(one))) {
    const [x, y] = [camera.screenX(camera.layout.x[place]), camera.screenY(camera.layout.y[place]) + camera.radius + 18];
    const lines = steps.get(place).flatMap((text) => wrapped(pen, text, camera.kx - 10));
    const shown = lines.length > STEP_LINES ? [...lines.slice(0, STEP_LINES - 1), "…"] : lines;
    shown.forEach((text, number) => pen.fillText(text, x, y + 15 * number));
  }
}

/** The lines of a text that are no wider than so many pixels, broken between words, and within those that are wider. */
function wrapped(pen, text, width) {
  const fits = (line) => pen.measureText(line).width <= width;
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (fits(longer)) lines[lines.length - 1] = longer;
    else lines.push(...pieces(word, fits));
  }
  return lines.filter(Boolean);
}

/** A word, in as few pieces as fit, none empty. */
function pieces(word, fits) {
  const found = [""];
  for (const letter of word) {
    if (found.at(-1) && !fits(found.at(-1) + letter)) found.push("");
    found[found.length - 1] += letter;
  }
  return found;
}

/** Generations above, islands at the left, wherever the camera is. */
function drawScale(pen, camera, palette) {
  const { layout } = camera;
  pen.fillStyle = palette.paper;
  pen.fillRect(0, 0, camera.width, 18);
  pen.fillStyle = palette.faint;
  let free = 78;
  pen.textAlign = "left";
  pen.fillText("generation", 4, 13);
  pen.textAlign = "center";
  for (const column of layout.columns) {
    const half = pen.measureText(column.label).width / 2;
    const x = camera.screenX(column.at);
    if (column.label === "" || x - half < free || x + half > camera.width) continue;
    pen.fillText(column.label, x, 13);
    free = x + half + 10;
  }
  pen.textAlign = "left";
  for (const band of layout.bands) {
    const y = Math.min(Math.max(camera.screenY(band.top) + 14, 34), camera.screenY(band.bottom) - 2);
    const text = camera.width > 500 ? `island ${band.island}` : String(band.island);
    if (y < 20) continue;
    pen.fillStyle = palette.paper;
    pen.fillRect(0, y - 12, pen.measureText(text).width + 8, 16);
    pen.fillStyle = palette.faint;
    pen.fillText(text, 4, y);
  }
}
