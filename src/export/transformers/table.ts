import type { NodeOf, Value } from "../../ir/graph.ts";
import { readsLength } from "../../ops/evaluate/rope.ts";
import { constantDim } from "../../tensor/dim.ts";
import { Refused } from "../table.ts";
import { ropeTable, turned } from "../torch/ops/attention.ts";
import { torchTable } from "../torch/ops/table.ts";
import { atom, number, sum, type Expression } from "../torch/python.ts";
import type { Site, TorchTable } from "../torch/site.ts";
import { tiedLayer } from "./head.ts";
import type { LayerPlaces } from "./places.ts";
import type { Stack } from "./stack.ts";

/** What every forward hands down: the mask, the cache, and what the caller gives to the chosen attention. */
export const HANDED = "**kwargs";

/** The same ops as PyTorch's, but for those that know of positions and of the cache, and for tables that may grow. */
export function transformersTable(stack: Stack, places: LayerPlaces): TorchTable {
  return {
    ...torchTable,
    attend: (node, site) => attend(node, site, places),
    rope: (node, site) => rope(node, site, stack),
    iota: ({ attrs, results }, site) => {
      if (!stack.places.has(results[0]!))
        return torchTable.iota({ op: "iota", attrs, results } as NodeOf<"iota">, site);
      const start = constantDim(attrs.start)!;
      return start === 0 ? atom("position_ids") : sum(`position_ids + ${start}`);
    },
    linear: (node, site) => headOf(node, site, stack) ?? torchTable.linear(node, site),
  };
}

function attend(node: NodeOf<"attend">, site: Site, places: LayerPlaces): Expression {
  const { q, k, v } = node.operands;
  const { layout, scale, softcap, window } = node.attrs;
  const isFirst = layout === "heads_first";
  const headsOf = ({ type }: Value): number => constantDim(type.shape[isFirst ? 1 : 2]!)!;
  const near = site.varied(node, "window") ?? (window === undefined ? undefined : String(window));
  const made = [
    "config",
    places.of(node),
    `groups=${headsOf(q) / headsOf(k)}`,
    `scaling=${number(scale)}`,
    ...(near === undefined ? [] : [`window=${near}`]),
    ...(softcap === 0 ? [] : [`softcap=${number(softcap)}`]),
  ];
  const view = (value: Value): string => (isFirst ? site.read(value) : `${site.atom(value)}.transpose(1, 2)`);
  site.handed(HANDED);
  const part = site.part("attend", `StackAttention(${made.join(", ")})`);
  const call = `${part}(${[view(q), view(k), view(v), HANDED].join(", ")})[0]`;
  return atom(isFirst ? `${call}.transpose(1, 2)` : call);
}

/** The table of a text's cosines and sines is by the numbers that the caller may give its positions. */
function rope(node: NodeOf<"rope">, site: Site, stack: Stack): Expression {
  const { positions } = node.operands;
  const { scaling } = node.attrs;
  if (scaling === "dynamic" || readsLength(node.attrs))
    throw new Refused(
      "cache",
      `the rope scaling ${scaling}, which turns past keys anew as the text grows`,
      node,
    );
  if (positions === undefined)
    return turned(
      node,
      site,
      site.hoisted("rope", (top) => ropeTable(node, top, "position_ids.unsqueeze(1)", "")),
    );
  if (!stack.places.has(positions)) throw new Refused("cache", "rope by positions of another kind", node);
  return turned(node, site, ropeTable(node, site, `${site.atom(positions)}.unsqueeze(1)`, ""));
}

/** The head over the vocabulary: tied to the tokens' table, or as long as it. */
function headOf(node: NodeOf<"linear">, site: Site, stack: Stack): Expression | undefined {
  const { embedding, head } = stack;
  const { x, weight, bias } = node.operands;
  const { table } = embedding.operands;
  const [rows, width] = table.type.shape.map((size) => constantDim(size));
  const [own, columns] = weight.type.shape.map((size) => constantDim(size));
  if (!head.includes(node) || node.attrs.layout === "in_out" || own !== rows) return undefined;
  const made = `nn.Linear(${columns}, config.vocab_size, bias=${bias === undefined ? "False" : "True"})`;
  if (weight !== table) {
    const module = site.module(made, { weight, bias });
    return module === undefined ? undefined : atom(`${module}(${site.read(x)})`);
  }
  const { name, ownsBias } = tiedLayer(stack);
  const layer = ownsBias ? site.module(made, { bias }) : undefined;
  if (layer !== undefined) return atom(`${layer}(${site.read(x)})`);
  const tied = `${site.part(name, `nn.Linear(${width}, config.vocab_size, bias=False)`)}(${site.read(x)})`;
  return bias === undefined ? atom(tied) : sum(`${tied} + ${site.atom(bias)}`);
}
