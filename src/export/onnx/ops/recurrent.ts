import type { NodeOf, Value } from "../../../ir/graph.ts";
import { constantDim } from "../../../tensor/dim.ts";
import type { Exporter } from "../exporter.ts";
import { OnnxGraph } from "../writer.ts";
import { scan, valueInfo } from "./scan.ts";

/** S ← e^decay S, then S ← S + k vᵀ or the delta rule, out = Sᵀ q: a Scan over the positions. */
export function linearAttend(
  exporter: Exporter,
  { operands, results }: NodeOf<"linear_attend">,
): readonly string[] {
  const { one, name, ints } = exporter;
  const { q, k, v, decay, beta, state } = operands;
  const [heads, keys, width] = [v.type.shape[1]!, q.type.shape[3]!, v.type.shape[3]!].map((size) =>
    constantDim(size)!,
  ) as [number, number, number];
  // All rows are [B, H, 1 or K, 1 or V], so that products and sums in the walk broadcast.
  const asRow = (x: string): string => one("Unsqueeze", [x, ints(3)]);
  const rowsOf = {
    q: asRow(perHead(exporter, q, heads)),
    k: asRow(perHead(exporter, k, heads)),
    v: asRow(name(v)),
    ...(decay && { fall: fallOf(exporter, decay) }),
    ...(beta && { beta: one("Unsqueeze", [name(beta), ints(3, 4)]) }),
  };
  const begun = state === undefined ? exporter.full(results[1]!.type.shape, "f32", 0) : name(state);
  const body = new OnnxGraph(exporter.onnx.names);
  const now = body.names.unique("state");
  const rows = Object.keys(rowsOf).map((key) => [key, body.names.unique(key)] as const);
  const row = new Map(rows);
  const keyColumn = body.one("Transpose", [row.get("k")!], { perm: [0, 1, 3, 2] });
  const fallen = decay === undefined ? now : body.one("Mul", [now, row.get("fall")!]);
  const change = beta === undefined ? row.get("v")! : deltaOf(body, row, fallen);
  const next = body.one("Add", [fallen, body.one("Mul", [keyColumn, change])]);
  const out = body.one("MatMul", [row.get("q")!, next]);
  const sizes: Readonly<Record<string, readonly number[]>> = {
    q: [1, keys],
    k: [1, keys],
    v: [1, width],
    fall: [decay?.type.shape.length === 4 ? keys : 1, 1],
    beta: [1, 1],
  };
  const [last, all] = scan(exporter, {
    name: "recurrence",
    body,
    states: [
      {
        from: begun,
        now: valueInfo(now, "f32", [undefined, heads, keys, width]),
        next: valueInfo(next, "f32", [undefined, heads, keys, width]),
      },
    ],
    rows: rows.map(([key, own]) => ({
      from: rowsOf[key as keyof typeof rowsOf]!,
      info: valueInfo(own, "f32", [undefined, heads, ...sizes[key]!]),
    })),
    results: [valueInfo(out, "f32", [undefined, heads, 1, width])],
    axis: 2,
  });
  return [one("Squeeze", [all!, ints(3)]), last!];
}

/** β (v − Sᵀ k) */
function deltaOf(body: OnnxGraph, row: ReadonlyMap<string, string>, fallen: string): string {
  const knownBefore = body.one("MatMul", [row.get("k")!, fallen]);
  return body.one("Mul", [body.one("Sub", [row.get("v")!, knownBefore]), row.get("beta")!]);
}

/** e^decay as [B, H, T, 1, 1], or [B, H, T, K, 1] where each channel of the keys has its own. */
function fallOf({ one, name, ints }: Exporter, decay: Value): string {
  const axes = decay.type.shape.length === 4 ? ints(4) : ints(3, 4);
  return one("Unsqueeze", [one("Exp", [name(decay)]), axes]);
}

/** [B, G, T, K] as [B, H, T, K], each head of keys for as many heads of values in a row. */
function perHead({ one, name, ints }: Exporter, x: Value, heads: number): string {
  const groups = constantDim(x.type.shape[1]!)!;
  if (groups === heads) return name(x);
  const copies = one("Expand", [one("Unsqueeze", [name(x), ints(2)]), ints(1, 1, heads / groups, 1, 1)]);
  return one("Reshape", [copies, ints(0, heads, -1, constantDim(x.type.shape[3]!)!)]);
}
