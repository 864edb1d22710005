/**
 * An image into which thousands of small shapes are stamped, pixel by pixel: many times faster than drawing as many.
 * @typedef {{reach: number, right: number[], down: number[], share: number[]}} Stamp the pixels around its middle that a
 *   shape covers, each with how much of it, of 256
 */
class StampImage {
  /** An image as large as a canvas, all of one colour. */
  begin(pen, colour) {
    const { width, height } = pen.canvas;
    if (this.image?.width !== width || this.image.height !== height) {
      this.image = pen.createImageData(width, height);
      this.buffer = new Uint32Array(this.image.data.buffer);
    }
    this.buffer.fill(colour);
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

/**
 * The stamp of a shape.
 * @param {number} reach pixels from its middle to its farthest end
 * @param {function(CanvasRenderingContext2D, number)} fill draws it around a middle, which is so far right and down
 * @returns {Stamp}
 */
function stampOf(reach, fill) {
  const size = 2 * reach + 1;
  const pen = el("canvas", { width: size, height: size }).getContext("2d");
  fill(pen, reach + 0.5);
  const { data } = pen.getImageData(0, 0, size, size);
  const made = { reach, right: [], down: [], share: [] };
  for (let pixel = 0; pixel < size * size; pixel += 1) {
    if (!data[4 * pixel + 3]) continue;
    made.right.push((pixel % size) - reach);
    made.down.push(Math.floor(pixel / size) - reach);
    made.share.push(Math.ceil(data[4 * pixel + 3] * (256 / 255)));
  }
  return made;
}

/** A colour over another, byte by byte; `share` of 256. */
function blended(under, over, share) {
  const odd = ((under & 0xff00ff) * (256 - share) + (over & 0xff00ff) * share) >>> 8;
  const even = ((under & 0xff00) * (256 - share) + (over & 0xff00) * share) >>> 8;
  return (0xff000000 | (odd & 0xff00ff) | (even & 0xff00)) >>> 0;
}

/** A colour as a number, as an image has it; `share` of it over the paper. */
function pixelOf(paper, colour, share = 1) {
  const pen = el("canvas", { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  [[paper, 1], [colour, share]].forEach(([fill, alpha]) => {
    [pen.fillStyle, pen.globalAlpha] = [fill, alpha];
    pen.fillRect(0, 0, 1, 1);
  });
  return new Uint32Array(pen.getImageData(0, 0, 1, 1).data.buffer)[0];
}
