import type { Node } from "../../ir/graph.ts";
import type { Loop, LoopClass } from "../../ir/roll/rolled.ts";
import { plural } from "../../support/text.ts";
import { literal } from "./python.ts";
import type { FileForm } from "./shared.ts";

/* The list of a loop's modules: which class stands at each place, and with which attributes. */

interface VariedAttribute {
  readonly name: string;
  readonly attribute: string;
  readonly nodes: readonly Node[];
  readonly values: readonly unknown[];
}

/** The attributes that vary, those of equal values as one. */
export function attributesOf({ variations }: LoopClass): readonly VariedAttribute[] {
  const found = new Map<string, VariedAttribute>();
  for (const { node, attribute, values } of variations) {
    const key = `${attribute} ${values.map(literal).join()}`;
    const known = found.get(key);
    const others = [...found.values()].filter((each) => each.attribute === attribute).length;
    const name = others === 0 ? attribute : `${attribute}_${others}`;
    found.set(
      key,
      known === undefined
        ? { name, attribute, nodes: [node], values }
        : { ...known, nodes: [...known.nodes, node] },
    );
  }
  return [...found.values()];
}

export function describeClass(loop: Loop, { nodes }: LoopClass, at: number): string {
  const edges = nodes.filter(({ op }) => op === "residual").length;
  const count = loop.iterations.length;
  const own = loop.iterations.flatMap((iteration, place) => (iteration.class === at ? [place] : []));
  const which =
    own.length === count
      ? "One iteration"
      : own.length === 1
        ? `Iteration ${own[0]!}`
        : `Iterations ${rangeText(own)}`;
  return `${which} of \`repeat ${count} as ${loop.label}\`: ${plural(edges, "residual edge")}.`;
}

/** `1 to 26`, `0, 2, 4` */
function rangeText(places: readonly number[]): string {
  const [first, last] = [places[0]!, places.at(-1)!];
  return last - first === places.length - 1 ? `${first} to ${last}` : places.join(", ");
}

/** `nn.ModuleList(ModelLayer() for _ in range(32))` */
export function listText(loop: Loop, names: readonly string[], form: FileForm): string {
  const calls = loop.iterations.map((iteration, place) => {
    const body = loop.classes[iteration.class]!;
    const member = loop.iterations.slice(0, place).filter((other) => other.class === iteration.class).length;
    const given = attributesOf(body).map(({ name, values }) => `${name}=${literal(values[member])}`);
    return `${names[iteration.class]!}(${[...form.arguments(loop, body), ...given].join(", ")})`;
  });
  const [first] = calls as [string];
  const count = calls.length;
  const place = loop.classes.some((body) => form.arguments(loop, body).length > 0) ? "i" : "_";
  if (calls.every((call) => call === first)) return `nn.ModuleList(${first} for ${place} in range(${count}))`;
  return `nn.ModuleList(${byPlace(calls)} for i in range(${count}))`;
}

/** Most alternatives that are said one after the other. */
const MOST_ALTERNATIVES = 8;

/** An expression of `i` that is each text at its place: by a period, or by where it changes, or by a list. */
function byPlace(texts: readonly string[]): string {
  for (let period = 2; period <= Math.min(MOST_ALTERNATIVES, texts.length - 1); period++) {
    if (texts.some((text, at) => text !== texts[at % period])) continue;
    return chosen(texts.slice(0, period), (at) => `i % ${period} == ${at}`);
  }
  const changes = texts.flatMap((text, at) => (at > 0 && text !== texts[at - 1] ? [at] : []));
  if (changes.length > MOST_ALTERNATIVES) return `[${texts.join(", ")}][i]`;
  const parts = [0, ...changes].map((at) => texts[at]!);
  return chosen(parts, (at) => `i < ${changes[at]!}`);
}

function chosen(texts: readonly string[], condition: (at: number) => string): string {
  const [last] = texts.slice(-1) as [string];
  // Alternatives like the last need no condition of their own.
  const named = texts
    .slice(0, -1)
    .flatMap((text, at) =>
      text === last && isPeriod(condition) ? [] : [`${text} if ${condition(at)} else `],
    );
  return `${named.join("")}${last}`;
}

const isPeriod = (condition: (at: number) => string): boolean => condition(0).includes("%");
