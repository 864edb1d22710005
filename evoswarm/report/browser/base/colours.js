/**
 * Colours of the page, which change with its theme, and of members, which tell apart for all kinds of eyes
 * (Okabe & Ito 2008, "Color Universal Design"); beyond eight, members share colours and differ by their letters.
 */
const MEMBER_COLOURS = {
  light: ["#0072b2", "#d55e00", "#009e73", "#b3589a", "#b58900", "#3a94c9", "#7a5230", "#5f6670"],
  dark: ["#5cb3e6", "#ff8a4c", "#3fcf9f", "#e596c3", "#f0c74a", "#a4d8f5", "#c79b73", "#aab2bd"],
};

/** A colour between two. */
function mixed(from, to, share) {
  const parts = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const [low, high] = [parts(from), parts(to)];
  return `rgb(${low.map((part, number) => Math.round(part + (high[number] - part) * share)).join(",")})`;
}

const colours = {
  listeners: [],
  /** What a style says, such as `ink`, `faint`, `rule`, `paper`, `accent`, `good`, `bad`. */
  of: (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim(),
  dark: () => {
    const asked = document.documentElement.dataset.theme;
    return asked ? asked === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  },
  member: (number) => MEMBER_COLOURS[colours.dark() ? "dark" : "light"][number % 8],
  /** Of something that has an order, from 0 to 1: light to strong in the light, dim to bright in the dark. */
  scale: (share) => mixed(...(colours.dark() ? ["#3d5a73", "#ffe08a"] : ["#9ec9e2", "#5b1a5e"]), share),
  letter: (number) => String.fromCharCode(65 + (number % 26)),
  /** Calls back whenever the theme changes. */
  changed: (listener) => colours.listeners.push(listener),
  /** Members' colours as styles know them, `--by-0` to `--by-7`. */
  paint() {
    for (let number = 0; number < 8; number += 1) document.documentElement.style.setProperty(`--by-${number}`, colours.member(number));
  },
  set(theme) {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    colours.listeners.forEach((listener) => listener());
  },
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => colours.listeners.forEach((listener) => listener()));
colours.changed(colours.paint);
colours.paint();
