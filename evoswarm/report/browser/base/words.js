/** Numbers in words: what a figure is called is said where it stands, how it is written is said here. */
const words = {
  percent: (share, digits = 1) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)}%`),
  points: (share) => `${100 * share > -0.05 ? "+" : "−"}${Math.abs(100 * share).toFixed(1)}`,
  interval: (one) => `${words.percent(one.mean)} (${(100 * one.low).toFixed(1)} to ${(100 * one.high).toFixed(1)})`,
  /** A difference with its interval, in points: +20.2 (+19.0 to +21.3). */
  gain: (one) => `${words.points(one.mean)} (${words.points(one.low)} to ${words.points(one.high)})`,
  /** A quantity with a decimal prefix: 31.6M. */
  quantity(value) {
    if (value === null || value === undefined) return "–";
    const steps = ["", "k", "M", "G", "T", "P", "E"];
    let step = 0;
    let left = Math.abs(value);
    while (left >= 999.5 && step < steps.length - 1) [left, step] = [left / 1000, step + 1];
    return `${value < 0 ? "−" : ""}${left >= 100 || (step === 0 && Number.isInteger(left)) ? left.toFixed(0) : left.toPrecision(3)}${steps[step]}`;
  },
  /** Likewise at an axis, where as few digits do as tell: 30M. */
  tick: (value) => words.quantity(value).replace(/(\.\d*?)0+(?=\D*$)/, "$1").replace(/\.(?=\D*$)/, ""),
  /** A number of things: "1 member", "12 members". */
  several: (count, one, more = `${one}s`) => `${words.count(count)} ${count === 1 ? one : more}`,
  count: (value) => (value === null || value === undefined ? "–" : Number(value).toLocaleString("en-US")),
  number: (value, digits = 4) => (typeof value === "number" ? String(Number(value.toPrecision(digits))) : value === null || value === undefined ? "–" : String(value)),
};
