/**
 * A camera over a layout: what is where on the screen. It scales columns and rows apart, so that a whole layout fills the
 * picture, and both alike when it zooms.
 */
const MARGIN = { right: 14, top: 34, bottom: 14 };

class Camera {
  constructor() {
    Object.assign(this, { kx: 1, ky: 1, tx: 0, ty: 0, width: 1, height: 1, layout: null, fitted: true });
  }

  screenX(x) { return x * this.kx + this.tx; }

  screenY(y) { return y * this.ky + this.ty; }

  /** Room for the names of bands. */
  get left() { return !this.layout.bands.length ? 14 : this.width > 500 ? 62 : 22; }

  /** The scales at which the whole layout is seen; rows no farther apart than a hand. */
  whole() {
    const { layout } = this;
    return [
      (this.width - this.left - MARGIN.right) / layout.width,
      Math.min(60, (this.height - MARGIN.top - MARGIN.bottom) / layout.height),
    ];
  }

  /** Shows all of it, in the middle, or higher where the layout wants room beneath. */
  fit() {
    [this.kx, this.ky] = this.whole();
    this.tx = this.left;
    this.ty = MARGIN.top + (this.height - MARGIN.top - MARGIN.bottom - this.ky * (this.layout.height - 1)) * (this.layout.beneath ? 0.3 : 0.5);
    this.fitted = true;
  }

  /** Shows so much that columns and rows are at least so many pixels apart, a place near the right and in the middle. */
  readable(column, row, place) {
    this.fit();
    const { layout } = this;
    if (this.kx >= column && this.ky >= row) return;
    [this.kx, this.ky] = [Math.max(this.kx, column), Math.max(this.ky, row)];
    this.tx = Math.min(this.left, this.width - MARGIN.right - this.kx * (layout.x[place] + 0.5));
    if (this.ky * layout.height > this.height) this.ty = this.height * (layout.beneath ? 0.4 : 0.5) - this.ky * layout.y[place];
    this.fitted = false;
    this.bound();
  }

  zoom(factor, x = this.width / 2, y = this.height / 2) {
    const [least, most] = [this.whole()[0] / 2, Math.max(this.whole()[0] * 40, 400)];
    const real = Math.min(most, Math.max(least, this.kx * factor)) / this.kx;
    [this.kx, this.ky] = [this.kx * real, this.ky * real];
    [this.tx, this.ty] = [x - (x - this.tx) * real, y - (y - this.ty) * real];
    this.fitted = false;
    this.bound();
  }

  pan(dx, dy) {
    [this.tx, this.ty] = [this.tx + dx, this.ty + dy];
    this.fitted = false;
    this.bound();
  }

  /** Pans as little as brings a place well into the picture. */
  show(place) {
    const edge = Math.min(60, this.width / 6, this.height / 6);
    const by = (at, size) => (at < edge ? edge - at : at > size - edge ? size - edge - at : 0);
    const [dx, dy] = [by(this.screenX(this.layout.x[place]), this.width), by(this.screenY(this.layout.y[place]), this.height)];
    if (!this.fitted && (dx || dy)) this.pan(dx, dy);
  }

  /** Never lets all of it out of sight. */
  bound() {
    const { layout } = this;
    const inside = (at, size, room) => Math.min(room - 40, Math.max(40 - size, at));
    this.tx = inside(this.tx, layout.width * this.kx, this.width);
    this.ty = inside(this.ty, layout.height * this.ky, this.height);
  }

  /** How large marks are: they touch neither neighbours nor the next row, as far as they can be seen. */
  get radius() {
    return Math.min(6, Math.max(1.1, 0.42 * Math.min(this.ky, this.kx * this.layout.step)));
  }

  /** The place nearest to a point of the screen, or NO_ONE within some pixels. */
  nearest(x, y, within = 14) {
    const { layout } = this;
    let [found, least] = [NO_ONE, within * within];
    for (const place of layout.places) {
      const [dx, dy] = [this.screenX(layout.x[place]) - x, this.screenY(layout.y[place]) - y];
      const away = dx * dx + dy * dy;
      if (away < least) [found, least] = [place, away];
    }
    return found;
  }

  /** Those of the layout that are in the picture. */
  visible() {
    const { layout } = this;
    const seen = (at, size) => at > -10 && at < size + 10;
    return layout.places.filter((place) => seen(this.screenX(layout.x[place]), this.width) && seen(this.screenY(layout.y[place]), this.height));
  }
}

/**
 * Lets a pointer, two fingers or a wheel move the camera over a picture. A wheel zooms where the picture has the focus or
 * Ctrl is down; else it scrolls the page, as does one finger up and down.
 * @param {{moved: function(), pointed: function(number, number), left: function(), clicked: function(number, number, boolean)}} told
 */
function steer(picture, camera, told) {
  const fingers = new Map();
  let travelled = 0;
  const at = (event) => {
    const box = picture.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const middle = () => {
    const all = [...fingers.values()];
    const [one, two = one] = all;
    return { x: (one.x + two.x) / 2, y: (one.y + two.y) / 2, spread: Math.hypot(one.x - two.x, one.y - two.y) };
  };
  picture.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    if (!fingers.size) travelled = 0;
    fingers.set(event.pointerId, at(event));
    picture.setPointerCapture(event.pointerId);
  });
  picture.addEventListener("pointermove", (event) => {
    const now = at(event);
    if (!fingers.has(event.pointerId)) return told.pointed(now.x, now.y);
    const before = middle();
    fingers.set(event.pointerId, now);
    const after = middle();
    travelled += Math.hypot(after.x - before.x, after.y - before.y) + Math.abs(after.spread - before.spread);
    if (travelled < 4) return undefined;
    camera.pan(after.x - before.x, after.y - before.y);
    if (before.spread && after.spread) camera.zoom(after.spread / before.spread, after.x, after.y);
    told.left();
    return told.moved();
  });
  const lifted = (event) => {
    const here = fingers.get(event.pointerId);
    fingers.delete(event.pointerId);
    if (here && travelled < 4 && event.type === "pointerup") told.clicked(here.x, here.y, event.pointerType === "touch");
  };
  ["pointerup", "pointercancel"].forEach((name) => picture.addEventListener(name, lifted));
  picture.addEventListener("pointerleave", told.left);
  picture.addEventListener("wheel", (event) => {
    if (document.activeElement !== picture && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 30 : 1;
    camera.zoom(Math.exp(-Math.max(-300, Math.min(300, event.deltaY * lines)) / 400), at(event).x, at(event).y);
    told.moved();
  }, { passive: false });
}
