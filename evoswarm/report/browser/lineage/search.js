/** Finds individuals by words such as "champion" or "best of island 2", an id, a digest's beginning, or an operator. */

/** Words that find somebody, each with who that is. */
function lineageWords(people, kin, champion) {
  const all = people.id.map((_, place) => place);
  const islands = inOrder(people.island);
  const on = (island) => all.filter((place) => people.island[place] === island && people.migrated_from[place] === NO_ONE);
  const of = (kind) => all.filter((place) => kindOf(people, kin, place) === kind);
  return {
    ...(champion === NO_ONE ? {} : { champion: () => [champion] }),
    best: () => mostAccurate(people, all),
    ...Object.fromEntries(islands.map((island) => [`best of island ${island}`, () => mostAccurate(people, on(island))])),
    founders: () => all.filter((place) => !kin.parents[place].length),
    crossings: () => of("crossing"),
    mutations: () => of("mutation"),
    migrants: () => of("migration"),
    reseeded: () => of("reseed"),
    failed: () => all.filter((place) => people.score[place] === null),
  };
}

/** Who is meant by a text, best meant first. */
function lineageFound(people, named, text) {
  const asked = text.trim().toLowerCase();
  if (!asked) return [];
  if (Object.hasOwn(named, asked)) return named[asked]();
  const all = people.id.map((_, place) => place);
  const operators = people.operators.map((operator) => operator.toLowerCase().includes(asked));
  const ways = [
    (place) => people.id[place].toLowerCase() === asked,
    (place) => people.id[place].toLowerCase().startsWith(asked),
    (place) => people.key[place].startsWith(asked) || (asked.length > 12 && asked.startsWith(people.key[place])),
    (place) => operators[people.operator[place]],
  ];
  return [...new Set(ways.flatMap((way) => all.filter(way)))];
}

/**
 * The search field: what is typed is looked for at once, Enter selects the first that was found, and the next.
 * @param {string} list the id of its suggestions, which no other element has
 * @param {{found: function(number[]), chosen: function(number)}} told
 */
function lineageSearch(people, named, list, told) {
  const suggestions = el("datalist", { id: list });
  const count = el("span", { class: "faint", role: "status" });
  let hits = [];
  let next = 0;
  const suggest = (text) => {
    const asked = text.trim().toLowerCase();
    const options = [...Object.keys(named).filter((name) => name.includes(asked)), ...hits.slice(0, 8).map((place) => people.id[place]), ...people.operators.filter((name) => asked && name.toLowerCase().includes(asked))];
    suggestions.replaceChildren(...[...new Set(options)].slice(0, 16).map((value) => el("option", { value })));
  };
  const look = () => {
    [hits, next] = [lineageFound(people, named, field.value), 0];
    suggest(field.value);
    count.textContent = !field.value.trim() ? "" : !hits.length ? "nobody found" : hits.length === 1 ? "1 found; Enter selects it" : `${words.count(hits.length)} found, ringed; Enter selects one after the other`;
    told.found(hits);
  };
  const choose = () => {
    if (!hits.length) return;
    told.chosen(hits[next]);
    count.textContent = `${people.id[hits[next]]} selected, ${words.count(next + 1)} of ${words.count(hits.length)} found`;
    next = (next + 1) % hits.length;
  };
  const field = el("input", {
    type: "search", list, autocomplete: "off", spellcheck: "false", placeholder: "id, digest, operator, “champion” …", input: look,
    keydown: (event) => {
      if (event.key === "Enter") choose();
      if (event.key === "Escape" && field.value) { field.value = ""; look(); }
    },
  });
  suggest("");
  return el("div", { class: "lineage-search" }, el("label", {}, el("span", {}, "Find "), field), suggestions, " ", count);
}
