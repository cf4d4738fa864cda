import type { Symbols } from "../ir/bind.ts";
import type { Node, NodeOf, Value } from "../ir/graph.ts";
import { evaluateDim } from "../tensor/dim.ts";
import { elementsOf } from "../tensor/type.ts";
import type { Layout } from "./layout.ts";

/** Bytes that a device receives in a training step, by rings: a gather or a scatter of S bytes among N takes S (N - 1) / N. */
export interface EdgeTraffic {
  readonly name: string;
  readonly bytes: number;
  /** More where iterations are made again for the backward. */
  readonly recomputed: number;
}

export interface DeviceTraffic {
  /** Of each edge that is shared out, then of the vocabulary. */
  readonly edges: readonly EdgeTraffic[];
  /** Gathers of weights, for the forward and again for the backward. */
  readonly gathers: number;
  /** Scatters of the sums of gradients. */
  readonly scatters: number;
}

/** The same units as `deviceMemory`. */
export function deviceTraffic(layout: Layout, sizes: Symbols, width: 2 | 4): DeviceTraffic {
  const { graph, data } = layout;
  let [root, blocks] = [0, 0];
  for (const parameter of graph.parameters)
    if (layout.blockOf(parameter) === "") root += layout.elements(parameter);
    else blocks += layout.elements(parameter);
  const part = (data - 1) / data;
  return {
    edges: [...edgeTraffic(layout, sizes, width), ...tableTraffic(layout, sizes, width)],
    gathers: width * (root + 2 * blocks) * part,
    scatters: 4 * (root + blocks) * part,
  };
}

/**
 * What enters a branch is gathered, and what leaves it scattered, once each in the forward and in the backward; where the stream
 * is whole on each device, a sum over all of them stands in the place of both, which is as much.
 */
function edgeTraffic(layout: Layout, sizes: Symbols, width: number): readonly EdgeTraffic[] {
  const { graph, plans, apart, mesh } = layout;
  const joins = new Map(
    graph.nodes.flatMap((node) => (node.op === "residual" ? [[node.attrs.edge, node]] : [])),
  );
  const norms = new Set<string>();
  return plans.flatMap(({ edge, refused, roles }, at) => {
    if (refused !== undefined) return [];
    const names = (role: string): readonly string[] =>
      [...roles].flatMap(([name, own]) => (own === role ? [name] : []));
    // Edges that share a norm share what is gathered of it.
    const before = names("norm");
    const fresh = before.filter((name) => !norms.has(name));
    for (const name of fresh) norms.add(name);
    const [enter, leave] = [
      before.length === 0 ? names("columns").length : fresh.length,
      names("rows").length,
    ];
    const join = joins.get(at) as NodeOf<"residual">;
    const stream = ringBytes(join.results[0]!, sizes, width, mesh.tensor);
    const isApart = apart.has(edge.scope[0]?.label ?? "");
    return [
      {
        name: edge.name,
        bytes: 2 * (enter + leave) * stream,
        recomputed: (isApart ? enter + leave : 2 * leave) * stream,
      },
    ];
  });
}

/** Rows of the vocabulary's table are added up; scores of all tokens are gathered, and the gradient of what they are made of added up. */
function tableTraffic(
  { graph, tables, mesh }: Layout,
  sizes: Symbols,
  width: number,
): readonly EdgeTraffic[] {
  const names = new Map(graph.parameters.map(({ value, name }) => [value, name.replace(/\.weight$/, "")]));
  const size = (value: Value): number => ringBytes(value, sizes, width, mesh.tensor);
  const bytesOf = (node: Node): EdgeTraffic | undefined => {
    if (node.op !== "embedding" && node.op !== "linear") return undefined;
    const name = names.get(node.op === "embedding" ? node.operands.table : node.operands.weight);
    if (name === undefined || !tables.has(name)) return undefined;
    const out = size(node.results[0]!);
    return node.op === "embedding"
      ? { name, bytes: 2 * out, recomputed: 0 }
      : { name: `scores by ${name}`, bytes: out + 2 * size(node.operands.x), recomputed: 0 };
  };
  return graph.nodes.flatMap((node) => bytesOf(node) ?? []);
}

const ringBytes = (value: Value, sizes: Symbols, width: number, among: number): number =>
  (width * evaluateDim(elementsOf(value.type), sizes) * (among - 1)) / among;
