/**
 * Symbols of an answer on the screen: a symbol is a text, `{hex}` where its bytes are no whole characters, or null, END.
 * A traced answer (see `fork_answers.py`) holds its steps as columns.
 */
const UNSEEN = /^(?!\u200d)[\p{C}\p{Z}]$/u; // a joiner holds signs of several characters together
const VISIBLE = { " ": "·", "\n": "⏎", "\t": "⇥", "\r": "␍" };
const LONGEST_SYMBOL = 80; // characters that a cell shows; its tip shows more

/** What a symbol looks like: blanks and what cannot be seen as signs, which a style sets apart. */
function symbolNodes(symbol, longest = LONGEST_SYMBOL) {
  if (symbol === null) return [el("span", { class: "sign end" }, "END")];
  if (typeof symbol !== "string") return [el("span", { class: "sign" }, symbol.hex.length > longest ? `${symbol.hex.slice(0, longest)}…` : symbol.hex)];
  if (symbol === "") return [el("span", { class: "sign" }, "∅")];
  const characters = [...symbol];
  const nodes = [];
  let plain = /^\p{M}/u.test(symbol) ? "◌" : ""; // a mark needs something to stand on
  for (const one of characters.slice(0, longest)) {
    if (one !== " " && !UNSEEN.test(one)) { plain += one; continue; }
    if (plain) nodes.push(plain);
    plain = "";
    nodes.push(el("span", { class: "sign" }, VISIBLE[one] ?? `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`));
  }
  nodes.push(plain + (characters.length > longest ? "…" : ""));
  return nodes;
}

/** A symbol in words, for tables and for those who listen. */
function symbolWords(symbol) {
  if (symbol === null) return "END";
  return typeof symbol === "string" ? JSON.stringify(symbol) : `bytes ${symbol.hex}`;
}

/** The text that symbols spell; bytes that are no characters are left as their replacement. */
function spelled(data, answer) {
  const bytes = answer.symbol.map((number) => data.symbols[number]).filter((one) => one !== null).map(symbolBytes);
  const whole = new Uint8Array(bytes.reduce((sum, one) => sum + one.length, 0));
  let place = 0;
  for (const one of bytes) { whole.set(one, place); place += one.length; }
  return new TextDecoder().decode(whole);
}

function symbolBytes(symbol) {
  if (typeof symbol === "string") return new TextEncoder().encode(symbol);
  return Uint8Array.from(symbol.hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/**
 * The steps of an answer in groups: steps whose bytes make whole characters only together are one.
 * @returns {{steps: number[], text: ?string}[]} `text` of a group of several.
 */
function groupsOf(data, answer) {
  const groups = [];
  let waiting = [];
  let bytes = [];
  const alone = () => { waiting.forEach((step) => groups.push({ steps: [step], text: null })); waiting = []; bytes = []; };
  answer.symbol.forEach((number, step) => {
    const symbol = data.symbols[number];
    if (symbol === null || typeof symbol === "string") { alone(); groups.push({ steps: [step], text: null }); return; }
    waiting.push(step);
    bytes.push(...symbolBytes(symbol));
    const text = wholeText(bytes);
    if (text !== null) { groups.push({ steps: waiting, text }); waiting = []; bytes = []; } else if (bytes.length > 64) alone();
  });
  alone();
  return groups;
}

/** The text of bytes; null where they are none. */
function wholeText(bytes) {
  try { return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes)); } catch { return null; }
}

/** One step of an answer as an object, its numbers in their own units. */
function stepOf(data, answer, step) {
  const part = data.policies[answer.policy].parts[answer.part];
  const number = (value) => (value < 0 ? null : value / data.scale);
  const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, one) => ({ symbol: data.symbols[flat[2 * one]], share: flat[2 * one + 1] / data.scale }));
  const own = answer.own[step];
  const speakers = data.speakers[answer.spoke[step]];
  return {
    symbol: data.symbols[answer.symbol[step]], by: answer.by[step], lead: part.lead, speakers,
    entropy: number(answer.entropy[step]), moved: number(answer.moved[step]),
    logProb: answer.log_prob[step] < 0 ? null : -answer.log_prob[step] / data.scale,
    fused: pairs(answer.fused[step]),
    own: own === 0 ? null : own.map((one, place) => ({ member: speakers[place], said: pairs(one) })),
  };
}

/** Who decided a step, in words. */
function deciderWords(data, step) {
  if (step.by < 0) return "together: it was nobody's first choice";
  const name = `${colours.letter(step.by)} ${data.members[step.by]}`;
  if (step.by !== step.lead) return `${name}, over the lead's own choice`;
  return step.speakers.length > 1 ? `${name}, the lead, whose own choice it was` : `${name}, the lead, alone`;
}
