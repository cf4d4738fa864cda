import type { Node, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { hasTrait } from "../../ops/table.ts";

/** Ops that own their weights, and are called as those are. */
const layers: ReadonlySet<string> = new Set(
  "linear rms_norm layer_norm embedding batch_norm conv2d".split(" "),
);

/** Words for ops whose names are those of functions. */
const words: Readonly<Record<string, string>> = {
  attend: "attended",
  linear_attend: "attended",
  relative_bucket: "buckets",
  routed_linear: "routed",
};

interface Known {
  /** Names that values should have if they are free. */
  readonly wanted: ReadonlyMap<Value, string>;
  readonly producers: ReadonlyMap<Value, Node>;
}

/** What a variable is called: a layer by its label, what moves its elements by the same, else by the model or the op. */
export function hintOf(node: Node, value: Value, { wanted, producers }: Known): string {
  const own = wanted.get(value);
  if (own !== undefined) return own;
  if (node.op === "residual") return "x";
  const label = node.origin.label
    .split(".")
    .filter((part) => !/^\d+$/.test(part))
    .at(-1);
  if (layers.has(node.op) && label !== undefined && label !== "") return label;
  if (value.hint !== undefined) return value.hint.replace(/_\d+$/, "");
  const source = operandValues(node)[0];
  const maker = source && producers.get(source);
  if (hasTrait(node.op, "moves") && source !== undefined && maker !== undefined)
    return hintOf(maker, source, { wanted, producers });
  return words[node.op] ?? node.op;
}
