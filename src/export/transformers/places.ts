import type { Graph, Node } from "../../ir/graph.ts";
import { isLoop, type Loop, type LoopClass, type RolledPart } from "../../ir/roll/rolled.ts";
import { Refused } from "../table.ts";

/** Which layer of the cache each attention is, as the class that it stands in says it. */
export interface LayerPlaces {
  /** `layer_idx + 1` in a class, a number in the model itself. */
  readonly of: (node: Node) => string;
  /** What the layer at place `i` of a loop is given: `i`, `2 * i + 4`; undefined for layers without attention. */
  readonly first: (loop: Loop) => string;
  readonly has: (body: LoopClass) => boolean;
}

/** The name in a class of the first cache layer that is its own. */
export const LAYER = "layer_idx";

/** Attentions are numbered in the order in which they run. */
export function layerPlaces(graph: Graph, parts: readonly RolledPart[]): LayerPlaces {
  const attends = graph.nodes.filter(({ op }) => op === "attend");
  const order = new Map<Node, number>(attends.map((node, at) => [node, at]));
  const texts = new Map<Node, string>();
  const firsts = new Map<Loop, string>();
  const attendsOf = (body: LoopClass): readonly Node[] => body.nodes.filter((node) => order.has(node));
  const walk = (within: readonly RolledPart[], base: string, start: number): void => {
    for (const part of within) {
      if (isLoop(part)) loop(part, base, start);
      else if (part.op === "attend") texts.set(part, plus(base, order.get(part)! - start));
    }
  };
  const loop = (part: Loop, base: string, start: number): void => {
    const counts = part.iterations.map((each) => attendsOf(part.classes[each.class]!).length);
    if (part.shared && counts.some((count) => count > 0))
      throw new Refused(
        "cache",
        `${part.label === "" ? "a shared repeat" : part.label}, whose rounds share attention`,
      );
    const before = counts.map((_, at) => counts.slice(0, at).reduce((sum, count) => sum + count, 0));
    for (const [number, body] of part.classes.entries()) {
      const [first] = attendsOf(body);
      const own = part.iterations.findIndex((each) => each.class === number && each.prefix === body.prefix);
      if (first === undefined) walk(body.parts, LAYER, 0);
      else {
        const place = order.get(first)!;
        firsts.set(part, plus(base, place - before[own]! - start, inSteps(counts, before)));
        walk(body.parts, LAYER, place);
      }
    }
  };
  walk(parts, "", 0);
  return {
    of: (node) => texts.get(node)!,
    first: (part) => firsts.get(part) ?? "i",
    has: (body) => attendsOf(body).length > 0,
  };
}

/** The place of an iteration's first attention in its loop, as an expression of `i`. */
function inSteps(counts: readonly number[], before: readonly number[]): string {
  const [step] = counts as [number];
  if (counts.some((count) => count !== step)) return `(${before.join(", ")})[i]`;
  return step === 1 ? "i" : `${step} * i`;
}

/** `layer_idx + 12 + i`, without what is nothing. */
function plus(base: string, offset: number, more = ""): string {
  const terms = [base, offset === 0 ? "" : String(offset), more].filter((term) => term !== "");
  return terms.length === 0 ? "0" : terms.join(" + ");
}
