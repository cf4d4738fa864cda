import type { Graph, Node, NodeOf, Value } from "../../../ir/graph.ts";
import { usersOf } from "../../../ir/walk.ts";
import { constantDim } from "../../../tensor/dim.ts";

/** Rows [B, S, H · K] of a cache that are read as heads [B, H, S, K], and kept so: else all would be turned in each run. */
export interface Headed {
  readonly heads: number;
  readonly width: number;
  /** What attention reads. */
  readonly result: Value;
  /** The nodes between the cache and that. */
  readonly moves: readonly Node[];
}

/** By the value of the state, those whose rows nothing else reads. */
export function headedCaches(graph: Graph): ReadonlyMap<Value, Headed> {
  const users = usersOf(graph);
  const only = ({ results: [value] }: Node): Node | undefined => {
    const [first, ...rest] = users.get(value!) ?? [];
    return rest.length === 0 ? first : undefined;
  };
  const writes = graph.nodes.filter((node): node is NodeOf<"write"> => node.op === "write");
  return new Map(
    writes.flatMap((write): (readonly [Value, Headed])[] => {
      const slice = only(write);
      const reshape = slice?.op === "slice" ? only(slice) : undefined;
      const permute = reshape?.op === "reshape" ? only(reshape) : undefined;
      if (slice === undefined || reshape === undefined || permute?.op !== "permute") return [];
      const { shape } = reshape.results[0]!.type;
      const [heads, width] = [shape[2], shape[3]].map((size) => size && constantDim(size));
      const isSplit =
        write.attrs.axis === 1 &&
        write.operands.x.type.shape.length === 3 &&
        shape.length === 4 &&
        shape[1]!.key === slice.results[0]!.type.shape[1]!.key &&
        permute.attrs.axes.join() === "0,2,1,3";
      if (!isSplit || heads === undefined || width === undefined) return [];
      const moves = [slice, reshape, permute];
      return [[write.operands.x, { heads, width, result: permute.results[0]!, moves }]];
    }),
  );
}
