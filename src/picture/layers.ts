import type { Graph, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { constantDim, productOfDims } from "../tensor/dim.ts";
import { showScaled } from "../support/text.ts";
import { everyPart, type Layer, type Part } from "./parts.ts";
import type { Hue } from "./scene.ts";

const norms = new Set(["layer_norm", "rms_norm", "batch_norm", "group_norm"]);
const products = new Set(["linear", "matmul", "conv1d", "conv2d"]);
const telling: ReadonlySet<string> = new Set([
  ...norms,
  ...products,
  "routed_linear",
  "attend",
  "linear_attend",
  "embedding",
]);

/** What a layer computes above all, by its ops. */
export function hueOf({ nodes }: Layer): Hue {
  const ops = new Set<string>(nodes.map(({ op }) => op));
  // Experts are products, whatever chooses among them.
  if (ops.has("routed_linear")) return "linear";
  if (ops.has("attend") || ops.has("linear_attend") || ops.has("softmax")) return "attention";
  if (ops.has("embedding")) return "table";
  if ([...ops].some((op) => products.has(op))) return "linear";
  if ([...ops].some((op) => norms.has(op))) return "norm";
  return "other";
}

/** What tells a layer from others that stand in its place in other iterations: attention with a window is attention. */
export const tellingOps = ({ nodes }: Layer): string =>
  [...telling].filter((op) => nodes.some((node) => node.op === op)).join(" ");

/** What is said of the parameters of each layer: how many they are, or whose they are if a layer before has them too. */
export class Counted {
  readonly #elements: ReadonlyMap<Value, number>;
  readonly #owners = new Map<Value, Layer>();

  constructor({ parameters }: Graph, parts: readonly Part[]) {
    this.#elements = new Map(
      parameters.map(({ value }) => [value, constantDim(productOfDims(value.type.shape)) ?? 0]),
    );
    for (const part of everyPart(parts))
      if (part.kind === "layer")
        for (const value of this.#parametersOf(part))
          if (!this.#owners.has(value)) this.#owners.set(value, part);
  }

  noteOf(layer: Layer): string {
    const values = this.#parametersOf(layer);
    const count = values.reduce((sum, value) => sum + this.#elements.get(value)!, 0);
    const owner = values.map((value) => this.#owners.get(value)!).find(({ key }) => key !== layer.key);
    const shared = owner === undefined ? "" : `weights of ${owner.label === "" ? owner.name : owner.label}`;
    return [layer.label, shared, count > 0 && shared === "" ? showScaled(count).trim() : ""]
      .filter((text) => text !== "")
      .join(" · ");
  }

  #parametersOf({ nodes }: Layer): readonly Value[] {
    return [...new Set(nodes.flatMap(operandValues).filter((value) => this.#elements.has(value)))];
  }
}
