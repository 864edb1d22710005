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
    const { layout, ratio } = camera;
    for (const place of places) {
      const look = palette.pixels[faint(place) ? "faint" : "full"];
      const failed = SHAPE_NAMES[shapes[place]] === "failed";
      const stamp = this.stamp(shapes[place], camera.radius * ratio);
      this.press(stamp, Math.round(camera.screenX(layout.x[place]) * ratio), Math.round(camera.screenY(layout.y[place]) * ratio), failed ? look.bad : look.shades[shades.of[place]]);
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

  /** How much of each pixel around the middle a shape covers, 0 to 256. */
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
    const made = { reach, size, cover: Uint16Array.from({ length: size * size }, (_, pixel) => Math.ceil(data[4 * pixel + 3] * (256 / 255))) };
    if (this.stamps.size > 60) this.stamps.clear(); // sizes of an earlier zoom
    this.stamps.set(key, made);
    return made;
  }

  press({ reach, size, cover }, x, y, colour) {
    const { buffer } = this;
    const { width, height } = this.image;
    for (let down = Math.max(0, reach - y); down < Math.min(size, height - y + reach); down += 1) {
      const row = (y - reach + down) * width + x - reach;
      for (let right = Math.max(0, reach - x); right < Math.min(size, width - x + reach); right += 1) {
        const share = cover[down * size + right];
        if (share) buffer[row + right] = share === 256 ? colour : blended(buffer[row + right], colour, share);
      }
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
