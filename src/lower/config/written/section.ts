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

/**
 * The keys with those of a block's own section. Its numbers are said as a model's are, as readers may have other ones of their own; parts
 * of objects, and what is none, only where the reader would take something else. Undefined if something can't be said.
 */
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
      : solveLines(section, keys, {
          wants,
          site,
          leavesOut: (line, { value }) => isOfObject(line) || value.kind === "none",
        });
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
  readonly leavesOut: (line: ConfigKeyLine, wanted: Wanted) => boolean;
}

/**
 * The keys that the lines of a section read, backwards: the first alternative that can say what is wanted. Lines with a key alone
 * come first, as what others compute is made of those, also where they are taken with `like`; what is checked of keys comes last.
 */
export function solveLines(section: ConfigStatement, from: Keys, solving: Solving): Solved {
  const { wants, site, leavesOut } = solving;
  const lines = linesOf(section, site, new Set());
  const keyLines = lines.filter(isKeyLine);
  const inOrder = [...keyLines.filter(beginsWithKey), ...keyLines.filter((each) => !beginsWithKey(each))];
  let keys = from;
  const unsaid: Unsaid[] = [];
  for (const { line, site: place } of inOrder) {
    const parameter = line.name.text;
    const wanted = wants(parameter);
    if (wanted === undefined) continue;
    const here = wanted.missing?.kind === "layer" ? { ...place, fallback: wanted.missing.layer } : place;
    const isSo = holdsWithout(line, wanted, keys, here);
    const isNone = wanted.value.kind === "none" && line.values.length > 1;
    if (isSo && (isNone || leavesOut(line, wanted))) continue;
    const found = firstSolution(line.values, wanted.value, keys, here);
    // A null says nothing that `else` does not say.
    if (isSo && line.values.length > 1 && found !== undefined && addsNone(found, keys)) continue;
    if (found !== undefined) keys = found;
    else if (!isSo) unsaid.push({ parameter, value: wanted.value, line });
  }
  for (const { line, site: place } of lines)
    if (line.kind === "neutral") for (const key of line.keys) keys = withNeutral(key, keys, place);
  const spoken = new Set(keyLines.map(({ line }) => line.name.text));
  return { keys: solveAsserts(section, keys, site), spoken, unsaid };
}

/** A line, and where it stands: those that are taken with `like` stand in another file. */
interface Placed<Line extends ConfigLine = ConfigLine> {
  readonly line: Line;
  readonly site: Site;
}

/** The lines of a section but for those of parameters that are spoken of, and then those that it takes with `like`. */
function linesOf(section: ConfigStatement, site: Site, spoken: Set<string>): readonly Placed[] {
  const own = section.lines.filter((line) => line.kind !== "key" || !spoken.has(line.name.text));
  for (const line of own) if (line.kind === "key") spoken.add(line.name.text);
  const { context, module } = site.frame;
  const liked = own.flatMap((line) => {
    const there = line.kind === "like" ? findDefinition(module, context.library, line.name.text) : undefined;
    const like = there === undefined ? undefined : sectionOf(there.definition, site.frame);
    return like === undefined ? [] : linesOf(like, inside(site, there!.module), spoken);
  });
  return [...own.map((line) => ({ line, site })), ...liked];
}

const inside = (site: Site, module: Module): Site => ({ ...site, frame: { ...site.frame, module } });

const isKeyLine = (placed: Placed): placed is Placed<ConfigKeyLine> => placed.line.kind === "key";

const beginsWithKey = ({ line }: Placed<ConfigKeyLine>): boolean => firstKey(line) !== undefined;

/** Whether the key with which a line begins is a part of an object: `rope_parameters.factor`. */
export const isOfObject = (line: ConfigKeyLine): boolean => firstKey(line)?.includes(".") ?? false;

/** The key with which a line begins, if that is one alone. */
const firstKey = ({ values: [first] }: ConfigKeyLine): string | undefined => first && loneKey(first);

const loneKey = (value: Expression): string | undefined =>
  value.kind === "call" && value.arguments === undefined ? keyOf(value.path) : undefined;

const addsNone = (found: Keys, keys: Keys): boolean =>
  [...found].some(([key, { kind }]) => kind === "none" && !keys.has(key));

/**
 * By the first alternative that can say it: keys and layers before others where the reader has all that they name, whatever spelling
 * comes first, as `n_routed_experts else num_experts`.
 */
function firstSolution(
  values: readonly Expression[],
  wanted: Meaning,
  keys: Keys,
  site: Site,
): Keys | undefined {
  const isRead = (value: Expression): boolean =>
    value.kind === "call" &&
    (loneKey(value) ?? value.arguments) !== undefined &&
    keysOf(value).every(site.has);
  for (const value of [...values.filter(isRead), ...values.filter((each) => !isRead(each))]) {
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
 * The keys with those that asserts of a section fix: `assert hidden_act == "xielu", …`, where all other keys of it are known; and
 * `assert num_heads == none or num_heads * head_dim == expand * hidden_size, …`: what a key is if it is there.
 */
function solveAsserts(section: ConfigStatement, from: Keys, site: Site): Keys {
  let keys = from;
  for (const line of section.lines) {
    if (line.kind !== "assert") continue;
    const open = new Set(keysOf(line.condition).filter((key) => !keys.has(key)));
    const fixed = open.size === 1 ? equalityOf(line.condition) : undefined;
    if (fixed !== undefined) keys = solve(fixed, bool(true), keys, site) ?? keys;
  }
  return keys;
}

/** What two sides of a condition must have in common: of `a == b` that itself, of `a == none or a == b` what holds where a is there. */
function equalityOf(condition: Expression): Expression | undefined {
  if (condition.kind !== "binary") return undefined;
  const { operator, left, right } = condition;
  if (operator === "==") return condition;
  const isOfKey = left.kind === "binary" && left.operator === "==" && keysOf(left).length === 1;
  return operator === "or" && isOfKey ? right : undefined;
}
