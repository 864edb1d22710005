/**
 * How individuals and their kinships look: colours by accuracy, shapes by how they came to be, lines by kinship, each
 * in the page's two themes.
 */

/** Viridis (Smith, van der Walt & Firing 2015): even to the eye, and to eyes that see fewer colours. */
const VIRIDIS = [[68, 1, 84], [71, 45, 123], [59, 82, 139], [44, 114, 142], [33, 145, 140], [40, 174, 128], [94, 201, 98], [173, 220, 48], [253, 231, 37]];
const SHADES = 16;

const KINSHIPS = {
  crossing: { words: "crossing of two", dash: [], light: "#5a6472", dark: "#9aa5b3" },
  mutation: { words: "mutation", dash: [6, 3], light: "#0072b2", dark: "#5cb3e6" },
  migration: { words: "migration", dash: [1.5, 3.5], light: "#b3589a", dark: "#e596c3" },
  reseed: { words: "reseeded", dash: [9, 3, 2, 3], light: "#7a5230", dark: "#f0c74a" },
  other: { words: "other", dash: [3, 2], light: "#009e73", dark: "#3fcf9f" },
};

const SHAPES = {
  bred: { words: "bred", path: (pen, x, y, r) => { pen.moveTo(x + r, y); pen.arc(x, y, r, 0, 7); } },
  founder: { words: "without parents", path: (pen, x, y, r) => pen.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8) },
  migration: { words: "migrated", path: (pen, x, y, r) => polygon(pen, [[x - r * 0.8, y - r], [x + r * 1.1, y], [x - r * 0.8, y + r]]) },
  reseed: { words: "reseeded", path: (pen, x, y, r) => polygon(pen, [[x, y - r * 1.25], [x + r * 1.25, y], [x, y + r * 1.25], [x - r * 1.25, y]]) },
  failed: { words: "failed", path: (pen, x, y, r) => crossPath(pen, x, y, r) },
};
const SHAPE_NAMES = Object.keys(SHAPES);

function polygon(pen, corners) {
  corners.forEach(([x, y], number) => (number ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.closePath();
}

/** Two strokes as areas, drawn the same way round, so that a cross is filled like the other shapes. */
function crossPath(pen, x, y, r) {
  const w = r * 0.32;
  const stroke = [[-r - w, -r + w], [-r + w, -r - w], [r + w, r - w], [r - w, r + w]];
  polygon(pen, stroke.map(([right, down]) => [x + right, y + down]));
  polygon(pen, stroke.map(([right, down]) => [x - down, y + right]));
}

/** The shape of everybody, as places in `SHAPE_NAMES`. */
function shapesOf(people, kin) {
  return Uint8Array.from(people.id, (_, place) => {
    if (people.score[place] === null) return SHAPE_NAMES.indexOf("failed");
    return Math.max(SHAPE_NAMES.indexOf(kindOf(people, kin, place)), 0);
  });
}

/**
 * Accuracies as shades: evenly between the lowest but for a twentieth of all, and the highest.
 * @returns {{low: number, high: number, of: Uint8Array}} `of` everybody, 0 to SHADES - 1; failures are 0.
 */
function shadesOf(people) {
  const known = people.score.filter((value) => value !== null).sort((one, two) => one - two);
  const low = known[Math.floor(known.length / 20)] ?? 0;
  const high = known.at(-1) ?? 1;
  const shade = (value) => Math.min(SHADES - 1, Math.max(0, Math.floor((SHADES * (value - low)) / (high - low || 1))));
  return { low, high, of: Uint8Array.from(people.score, (value) => (value === null ? 0 : high === low ? SHADES - 1 : shade(value))) };
}

/** The colour of a shade: the best stands out from the paper, dark on light and light on dark. */
function shadeColour(shade) {
  const share = shade / (SHADES - 1);
  const at = (VIRIDIS.length - 1) * (colours.dark() ? 0.15 + 0.85 * share : 0.82 * (1 - share));
  const below = Math.min(Math.floor(at), VIRIDIS.length - 2);
  return `rgb(${VIRIDIS[below].map((value, channel) => Math.round(value + (at - below) * (VIRIDIS[below + 1][channel] - value))).join(" ")})`;
}

const kinshipColour = (kind) => KINSHIPS[kind][colours.dark() ? "dark" : "light"];

/**
 * All colours of a picture in the theme of the moment; asking for them one by one is slow. `thread`, from a founder to
 * who is selected, is none of the shades.
 */
function lineagePalette() {
  const named = Object.fromEntries(["paper", "raised", "ink", "faint", "accent", "bad"].map((name) => [name, colours.of(name)]));
  const shades = Array.from({ length: SHADES }, (_, shade) => shadeColour(shade));
  return {
    ...named,
    thread: colours.dark() ? "#ff8a4c" : "#d55e00",
    shades,
    pixels: pixelPalette({ ...named, shades }),
    kinships: Object.fromEntries(Object.keys(KINSHIPS).map((kind) => [kind, kinshipColour(kind)])),
  };
}

/** A small picture for a legend or a text, which follows the theme. */
function smallPicture(draw, width = 26, height = 14) {
  const ratio = 2;
  const place = el("canvas", { width: width * ratio, height: height * ratio, style: `width:${width}px;height:${height}px`, "aria-hidden": "true" });
  const paint = () => {
    const pen = place.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    draw(pen, width, height);
  };
  paint();
  colours.changed(paint);
  return place;
}

const shapeSample = (name) => smallPicture((pen, width, height) => {
  pen.fillStyle = colours.of("ink");
  pen.beginPath();
  SHAPES[name].path(pen, width / 2, height / 2, 4.5);
  pen.fill();
}, 14);

const kinshipSample = (kind) => smallPicture((pen, width, height) => {
  pen.strokeStyle = kinshipColour(kind);
  pen.lineWidth = 2;
  pen.setLineDash(KINSHIPS[kind].dash);
  pen.beginPath();
  pen.moveTo(0, height / 2);
  pen.lineTo(width, height / 2);
  pen.stroke();
});

/** What the picture's colours, shapes and lines mean; only those that there are. */
function markLegend(shades, shapes, kinds) {
  const ramp = el("span", { class: "ramp", "aria-hidden": "true" });
  const paint = () => { ramp.style.background = `linear-gradient(to right, ${Array.from({ length: SHADES }, (_, shade) => shadeColour(shade)).join(", ")})`; };
  paint();
  colours.changed(paint);
  const entry = (picture, text) => el("li", {}, picture, " ", text);
  return el("ul", { class: "legend", "aria-label": "What colours, shapes and lines mean" },
    shades.high > shades.low ? el("li", {}, `accuracy ${words.percent(shades.low)} or less `, ramp, ` ${words.percent(shades.high)}`) : null,
    SHAPE_NAMES.filter((_, number) => shapes.includes(number)).map((name) => entry(shapeSample(name), SHAPES[name].words)),
    Object.keys(KINSHIPS).filter((kind) => kinds.has(kind)).map((kind) => entry(kinshipSample(kind), KINSHIPS[kind].words)));
}
