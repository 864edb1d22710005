/**
 * Draws thousands of marks into an image, pixel by pixel: many times faster than as many shapes. Every mark is a stamp,
 * made once for its shape and size.
 */
class MarkPixels {
  constructor() {
    this.stamps = new Map();
    this.image = null;
  }

  /**
   * Fills the whole canvas: ground, bands, marks.
   * @param {number[]} places whose marks are drawn.
   * @param {function(number): boolean} faint whether somebody's mark is.
   */
  draw(pen, camera, palette, { shapes, shades }, places, faint) {
    const { width, height } = pen.canvas;
    if (this.image?.width !== width || this.image.height !== height) {
      this.image = pen.createImageData(width, height);
      this.buffer = new Uint32Array(this.image.data.buffer);
    }
    this.ground(camera, palette);
    const { layout, ratio, radius } = camera;
    const stamps = SHAPE_NAMES.map((_, shape) => this.stamp(shape, radius * ratio));
    const failed = SHAPE_NAMES.indexOf("failed");
    for (const place of places) {
      const look = faint(place) ? palette.pixels.faint : palette.pixels.full;
      const colour = shapes[place] === failed ? look.bad : look.shades[shades.of[place]];
      this.press(stamps[shapes[place]], Math.round(camera.screenX(layout.x[place]) * ratio), Math.round(camera.screenY(layout.y[place]) * ratio), colour);
    }
    pen.putImageData(this.image, 0, 0);
  }

  /** The paper, and every second band raised. */
  ground(camera, { pixels }) {
    const { width, height } = this.image;
    const row = (y) => Math.min(height, Math.max(0, Math.round(camera.screenY(y) * camera.ratio))) * width;
    this.buffer.fill(pixels.paper);
    camera.layout.bands.forEach((band, number) => number % 2 || this.buffer.fill(pixels.raised, row(band.top), row(band.bottom)));
  }

  /** The pixels around the middle that a shape covers, each with how much of it, of 256. */
  stamp(shape, radius) {
    const key = `${shape} ${radius}`;
    if (this.stamps.has(key)) return this.stamps.get(key);
    const reach = Math.ceil(radius * 1.35) + 1;
    const size = 2 * reach + 1;
    const pen = el("canvas", { width: size, height: size }).getContext("2d");
    pen.beginPath();
    SHAPES[SHAPE_NAMES[shape]].path(pen, reach + 0.5, reach + 0.5, radius);
    pen.fill();
    const { data } = pen.getImageData(0, 0, size, size);
    const made = { reach, right: [], down: [], share: [] };
    for (let pixel = 0; pixel < size * size; pixel += 1) {
      if (!data[4 * pixel + 3]) continue;
      made.right.push((pixel % size) - reach);
      made.down.push(Math.floor(pixel / size) - reach);
      made.share.push(Math.ceil(data[4 * pixel + 3] * (256 / 255)));
    }
    if (this.stamps.size > 60) this.stamps.clear(); // sizes of an earlier zoom
    this.stamps.set(key, made);
    return made;
  }

  press({ reach, right, down, share }, x, y, colour) {
    const { buffer } = this;
    const { width, height } = this.image;
    const inside = x >= reach && y >= reach && x < width - reach && y < height - reach;
    for (let pixel = 0; pixel < share.length; pixel += 1) {
      const across = x + right[pixel];
      const under = y + down[pixel];
      if (!inside && (across < 0 || under < 0 || across >= width || under >= height)) continue;
      const at = under * width + across;
      buffer[at] = share[pixel] === 256 ? colour : blended(buffer[at], colour, share[pixel]);
    }
  }
}

/** A colour over another, byte by byte; `share` of 256. */
function blended(under, over, share) {
  const odd = ((under & 0xff00ff) * (256 - share) + (over & 0xff00ff) * share) >>> 8;
  const even = ((under & 0xff00) * (256 - share) + (over & 0xff00) * share) >>> 8;
  return (0xff000000 | (odd & 0xff00ff) | (even & 0xff00)) >>> 0;
}

/** Colours as numbers, as an image has them: of the ground, of marks, and of marks that are faint. */
function pixelPalette({ paper, raised, bad, shades }) {
  const pen = el("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const pixel = (colour, share) => {
    [[paper, 1], [colour, share]].forEach(([fill, alpha]) => {
      [pen.fillStyle, pen.globalAlpha] = [fill, alpha];
      pen.fillRect(0, 0, 1, 1);
    });
    return new Uint32Array(pen.getImageData(0, 0, 1, 1).data.buffer)[0];
  };
  const look = (share) => ({ bad: pixel(bad, share), shades: shades.map((shade) => pixel(shade, share)) });
  return { paper: pixel(paper, 1), raised: pixel(raised, 1), full: look(1), faint: look(0.4) };
}
