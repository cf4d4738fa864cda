import type { ConfigKeyLine, ConfigLine, ConfigStatement, NeutralKey } from "../../../language/ast.ts";
import type { Expression } from "../../../language/ast/expressions.ts";
import type { Module } from "../../names/module.ts";
import { findDefinition } from "../../names/modules.ts";
import { bool, type Meaning } from "../../values/meaning.ts";
import { keyOf, keysOf } from "../keys.ts";
import { sectionOf } from "../read.ts";
import { sameValue, withKey, type Keys } from "./keys.ts";
import { isKnown, solve, valueWith, type Site } from "./solve.ts";

/** What a parameter is to be, and what it is where the file says nothing of it. */
export interface Wanted {
  readonly value: Meaning;
  readonly missing: Meaning | undefined;
}

/** What is wanted of a parameter; undefined of one that is no matter. */
type Wants = (parameter: string) => Wanted | undefined;

/** A line whose keys can't say what its parameter is, or a parameter that no line reads. */
export interface Unsaid {
  readonly parameter: string;
  readonly value: Meaning;
  readonly line?: ConfigKeyLine;
}

/** The keys with those of a block's own section; what would be so without a key is not written. Undefined if something can't be said. */
export function solveSection(
  site: Site,
  wants: Wants,
  open: readonly string[],
  keys: Keys,
): Keys | undefined {
  const section = sectionOf(site.frame.definition, site.frame);
  const solved: Solved =
    section === undefined
      ? { keys, spoken: new Set(), unsaid: [] }
      : solveLines(section, keys, { wants, site, leavesOut: () => true });
  const isSaid = open.every((name) => {
    const wanted = solved.spoken.has(name) ? undefined : wants(name);
    return wanted === undefined || isMissing(wanted);
  });
  return solved.unsaid.length === 0 && isSaid ? solved.keys : undefined;
}

const isMissing = ({ value, missing }: Wanted): boolean => missing !== undefined && sameValue(value, missing);

/** What lines say, read backwards. */
export interface Solved {
  readonly keys: Keys;
  /** The parameters of which lines speak. */
  readonly spoken: ReadonlySet<string>;
  readonly unsaid: readonly Unsaid[];
}

/** What the lines of a section are read backwards with. */
interface Solving {
  readonly wants: Wants;
  readonly site: Site;
  /** Whether a line writes no key where its parameter is what is wanted without. */
  readonly leavesOut: (line: ConfigKeyLine) => boolean;
  /** Parameters of which lines before have spoken. */
  readonly spoken?: ReadonlySet<string>;
}

/**
 * The keys that the lines of a section read, backwards: the first alternative that can say what is wanted. Lines with a key alone
 * come first, as what others compute is made of those; lines that are taken with `like` last, as one's own speak first.
 */
export function solveLines(section: ConfigStatement, from: Keys, solving: Solving): Solved {
  const { wants, site, leavesOut, spoken: before = new Set<string>() } = solving;
  const lines = section.lines.filter((line) => line.kind === "key" && !before.has(line.name.text));
  const inOrder = [...lines.filter(beginsWithKey), ...lines.filter((line) => !beginsWithKey(line))];
  let keys = from;
  const unsaid: Unsaid[] = [];
  for (const line of inOrder as readonly ConfigKeyLine[]) {
    const parameter = line.name.text;
    const wanted = wants(parameter);
    if (wanted === undefined) continue;
    const isSo = holdsWithout(line, wanted, keys, site);
    const isNone = wanted.value.kind === "none" && line.values.length > 1;
    if (isSo && (isNone || leavesOut(line))) continue;
    const found = firstSolution(line.values, wanted.value, keys, site);
    // A null says nothing that `else` does not say.
    if (isSo && line.values.length > 1 && found !== undefined && addsNone(found, keys)) continue;
    if (found !== undefined) keys = found;
    else if (!isSo) unsaid.push({ parameter, value: wanted.value, line });
  }
  const spoken = new Set([
    ...before,
    ...section.lines.flatMap((line) => (line.kind === "key" ? [line.name.text] : [])),
  ]);
  return solveOthers(section, { keys, spoken, unsaid }, solving);
}

/** The keys that are `neutral` at a value, and the lines that are taken with `like`. */
function solveOthers(section: ConfigStatement, own: Solved, solving: Solving): Solved {
  const { site } = solving;
  let { keys, spoken, unsaid } = own;
  for (const line of section.lines) {
    if (line.kind === "neutral") for (const key of line.keys) keys = withNeutral(key, keys, site);
    if (line.kind !== "like") continue;
    const there = findDefinition(site.frame.module, site.frame.context.library, line.name.text);
    const like = there === undefined ? undefined : sectionOf(there.definition, site.frame);
    if (there === undefined || like === undefined) continue;
    const solved = solveLines(like, keys, { ...solving, site: inside(site, there.module), spoken });
    keys = solved.keys;
    spoken = solved.spoken;
    unsaid = [...unsaid, ...solved.unsaid];
  }
  return { keys, spoken, unsaid };
}

const inside = (site: Site, module: Module): Site => ({ ...site, frame: { ...site.frame, module } });

const beginsWithKey = (line: ConfigLine): boolean => line.kind === "key" && firstKey(line) !== undefined;

/** The key with which a line begins, if that is one alone. */
export const firstKey = ({ values: [first] }: ConfigKeyLine): string | undefined =>
  first?.kind === "call" && first.arguments === undefined ? keyOf(first.path) : undefined;

const addsNone = (found: Keys, keys: Keys): boolean =>
  [...found].some(([key, { kind }]) => kind === "none" && !keys.has(key));

function firstSolution(
  values: readonly Expression[],
  wanted: Meaning,
  keys: Keys,
  site: Site,
): Keys | undefined {
  for (const value of values) {
    const found = solve(value, wanted, keys, site);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether a parameter is what is wanted by the keys that there are, or by none. */
function holdsWithout(line: ConfigKeyLine, wanted: Wanted, keys: Keys, site: Site): boolean {
  const { value } = wanted;
  const read = line.values.find((each) => isKnown(each, keys));
  if (read === undefined) return isMissing(wanted);
  if (value.kind === "layer") return solve(read, value, keys, site)?.size === keys.size;
  const found = valueWith(read, keys, site);
  return found !== undefined && sameValue(found, value);
}

/** `neutral alibi = false`: the first value at which the key changes nothing, unless it is none, as a missing key is. */
function withNeutral({ path, values = [] }: NeutralKey, keys: Keys, site: Site): Keys {
  const key = keyOf(path);
  const [value] = values.flatMap((each) => valueWith(each, keys, site) ?? []);
  if (key === undefined || value === undefined || value.kind === "none" || keys.has(key)) return keys;
  return withKey(keys, key, value) ?? keys;
}

/**
 * The keys with those that asserts of a section fix: `assert hidden_act == "xielu", …`, and `assert num_heads == none or num_heads *
 * head_dim == expand * hidden_size, …`: what a key is if it is there.
 */
export function solveAsserts(section: ConfigStatement, from: Keys, site: Site): Keys {
  let keys = from;
  for (const line of section.lines) {
    if (line.kind !== "assert" || line.condition.kind !== "binary") continue;
    const { operator, left, right } = line.condition;
    const open = new Set(keysOf(line.condition).filter((key) => !keys.has(key)));
    const [key] = open;
    if (key === undefined || open.size > 1) continue;
    if (operator === "==" && keysOf(right).length === 0)
      keys = solve(line.condition, bool(true), keys, site) ?? keys;
    else if (
      operator === "or" &&
      keysOf(left).length === 1 &&
      left.kind === "binary" &&
      left.operator === "=="
    )
      keys = solve(right, bool(true), keys, site) ?? keys;
  }
  return keys;
}
