/**
 * Many points over the axes of a chart, as stamps on a canvas behind it: the library draws 10,000 of them too slowly to
 * follow a hand, and forgets who they are.
 * @param {HTMLElement} place of the chart
 * @param {Object} asked
 * @param {function(): Array<{x: number, y: number}>} asked.points in the units of the axes
 * @param {function(): function(Object): ?Look} asked.looks how each point looks, in the colours of the theme; null where the
 *   chart itself draws it
 * @param {function(): boolean} asked.wide whether the axis of x is logarithmic
 * @param {{left: number, right: number, top: number, bottom: number}} asked.grid around which pixels the axes leave room
 * @typedef {{symbol: string, colour: string, size: number, opacity: number}} Look one object for all that look alike
 */
function pointLayer(place, { points, looks, wide, grid }) {
  const canvas = el("canvas", { class: "stamps", "aria-hidden": "true" });
  const brush = canvas.getContext("2d");
  const image = new StampImage();
  const stamps = new Map(); // made once for each shape and size
  let [known, located] = [null, null];

  /** Points that can be seen, from left to right, with their pixels: `{point, x, y}`. */
  function seen() {
    const drawn = echarts.getInstanceByDom(place);
    if (!drawn) return [];
    known ??= [...points()].sort((a, b) => a.x - b.x || b.y - a.y);
    located ??= known.length ? pixelsOf(drawn) : [];
    return located;
  }
  function pixelsOf(drawn) {
    const along = wide() ? Math.log : (value) => value;
    const ends = known.reduce((found, { y }) => [Math.min(found[0], y), Math.max(found[1], y)], [Infinity, -Infinity]);
    const [first, last] = [known[0].x, known[known.length - 1].x];
    const [low, high] = [drawn.convertToPixel({ gridIndex: 0 }, [first, ends[0]]), drawn.convertToPixel({ gridIndex: 0 }, [last, ends[1]])];
    const scale = (from, to, pixels) => (from === to ? 0 : (pixels[1] - pixels[0]) / (to - from));
    const perX = scale(along(first), along(last), [low[0], high[0]]);
    const perY = scale(ends[0], ends[1], [low[1], high[1]]);
    const [right, bottom] = [place.clientWidth - grid.right, place.clientHeight - grid.bottom];
    const found = [];
    for (const point of known) {
      const x = low[0] + (along(point.x) - along(first)) * perX;
      const y = low[1] + (point.y - ends[0]) * perY;
      if (x >= grid.left - 1 && x <= right + 1 && y >= grid.top - 1 && y <= bottom + 1) found.push({ point, x, y });
    }
    return found;
  }
  function draw() {
    located = null;
    const ratio = devicePixelRatio;
    const [width, height] = [place.clientWidth, place.clientHeight];
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height, canvas.style.width, canvas.style.height] = [...size, `${width}px`, `${height}px`];
    if (!canvas.width || !canvas.height) return;
    image.begin(brush, pixelOf(colours.of("paper"), colours.of("paper")));
    const lookOf = looks();
    const made = new Map();
    for (const { point, x, y } of seen()) {
      const look = lookOf(point);
      if (!look) continue;
      if (!made.has(look)) made.set(look, { stamp: lookStamp(stamps, look, ratio), colour: pixelOf(colours.of("paper"), look.colour) });
      const { stamp, colour } = made.get(look);
      image.press(stamp, Math.round(x * ratio), Math.round(y * ratio), colour);
    }
    brush.putImageData(image.image, 0, 0);
  }
  return { canvas, seen, draw, forget() { [known, located] = [null, null]; } };
}

function lookStamp(stamps, { symbol, size, opacity }, ratio) {
  const key = `${symbol} ${size} ${opacity} ${ratio}`;
  const scale = (size * ratio) / 12; // outlines are in a square of 12
  if (!stamps.has(key)) stamps.set(key, stampOf(Math.ceil((size * ratio) / 2) + 1, (pen, middle) => {
    pen.translate(middle - 6 * scale, middle - 6 * scale);
    pen.scale(scale, scale);
    pen.globalAlpha = opacity;
    pen.fill(new Path2D(OUTLINES[symbol]));
  }));
  return stamps.get(key);
}
