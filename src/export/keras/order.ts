import { append } from "../../support/lists.ts";
import type { WrittenLayer } from "./site.ts";

/**
 * The layers in the order in which Keras has those of a functional model: by their distance from the outputs, the farthest first, and
 * then as a walk back from the outputs meets them (`map_graph` of keras/src/ops/function.py). By it the groups of a file are counted.
 */
export function inKerasOrder(
  layers: readonly WrittenLayer[],
  outputs: readonly string[],
): readonly WrittenLayer[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const met = new Map<string, number>();
  const left = [...outputs].reverse();
  // A walk in depth, an input before the next.
  while (left.length > 0) {
    const name = left.pop()!;
    if (met.has(name)) continue;
    met.set(name, met.size);
    append(
      left,
      byName
        .get(name)!
        .inputs.map(({ layer }) => layer)
        .reverse(),
    );
  }
  const depths = new Map<string, number>();
  // Each layer stands behind its inputs, so that all that read it were seen.
  for (const { name, inputs } of [...layers].reverse()) {
    const depth = depths.get(name) ?? 0;
    depths.set(name, depth);
    for (const { layer } of inputs) depths.set(layer, Math.max(depths.get(layer) ?? 0, depth + 1));
  }
  return [...layers].sort(
    (a, b) => depths.get(b.name)! - depths.get(a.name)! || (met.get(a.name) ?? -1) - (met.get(b.name) ?? -1),
  );
}
