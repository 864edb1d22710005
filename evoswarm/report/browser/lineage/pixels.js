/** Draws thousands of marks; every mark is a stamp, made once for its shape and size. */
class MarkPixels extends StampImage {
  constructor() {
    super();
    this.stamps = new Map();
  }

  /**
   * Fills the whole canvas: ground, bands, marks.
   * @param {number[]} places whose marks are drawn.
   * @param {function(number): boolean} faint whether somebody's mark is.
   */
  draw(pen, camera, palette, { shapes, shades }, places, faint) {
    this.begin(pen, palette.pixels.paper);
    this.bands(camera, palette);
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

  /** Every second band is raised. */
  bands(camera, { pixels }) {
    const { width, height } = this.image;
    const row = (y) => Math.min(height, Math.max(0, Math.round(camera.screenY(y) * camera.ratio))) * width;
    camera.layout.bands.forEach((band, number) => number % 2 || this.buffer.fill(pixels.raised, row(band.top), row(band.bottom)));
  }

  stamp(shape, radius) {
    const key = `${shape} ${radius}`;
    if (this.stamps.has(key)) return this.stamps.get(key);
    const made = stampOf(Math.ceil(radius * 1.35) + 1, (pen, middle) => {
      pen.beginPath();
      SHAPES[SHAPE_NAMES[shape]].path(pen, middle, middle, radius);
      pen.fill();
    });
    if (this.stamps.size > 60) this.stamps.clear(); // sizes of an earlier zoom
    this.stamps.set(key, made);
    return made;
  }
}

/** Colours as numbers, as an image has them: of the ground, of marks, and of marks that are faint. */
function pixelPalette({ paper, raised, bad, shades }) {
  const pixel = (colour, share) => pixelOf(paper, colour, share);
  const look = (share) => ({ bad: pixel(bad, share), shades: shades.map((shade) => pixel(shade, share)) });
  return { paper: pixel(paper, 1), raised: pixel(raised, 1), full: look(1), faint: look(0.4) };
}
