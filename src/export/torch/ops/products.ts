import type { NodeOf, Value } from "../../../ir/graph.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { Refused } from "../../table.ts";
import { atom, literal, sum, type Expression } from "../python.ts";
import type { Site, TorchTable } from "../site.ts";

const sizeAt = ({ type }: Value, axis: number): string => {
  const size = constantDim(type.shape.at(axis)!);
  return size === undefined ? "None" : String(size);
};

function linear(
  { operands: { x, weight, bias }, attrs: { layout } }: NodeOf<"linear">,
  site: Site,
): Expression {
  const isInOut = layout === "in_out";
  const [inputs, outputs] = isInOut ? [0, 1] : [1, 0];
  const sizes = `${sizeAt(weight, inputs)}, ${sizeAt(weight, outputs)}${bias === undefined ? ", bias=False" : ""}`;
  const name = isInOut ? site.helper("LinearInOut") : "nn.Linear";
  const module = site.module(`${name}(${sizes})`, { weight, bias });
  if (module !== undefined) return atom(`${module}(${site.read(x)})`);
  const added = bias === undefined ? "" : `, ${site.read(bias)}`;
  if (!isInOut && site.isTied(weight))
    return atom(`${site.helper("scores")}(${site.read(x)}, ${site.read(weight)}${added})`);
  const matrix = isInOut ? `${site.atom(weight)}.t()` : site.read(weight);
  return atom(`F.linear(${site.read(x)}, ${matrix}${added})`);
}

function embedding({ operands: { table, ids } }: NodeOf<"embedding">, site: Site): Expression {
  const module = site.module(`nn.Embedding(${sizeAt(table, 0)}, ${sizeAt(table, 1)})`, { weight: table });
  if (module !== undefined) return atom(`${module}(${site.read(ids)})`);
  return atom(`F.embedding(${site.read(ids)}, ${site.read(table)})`);
}

function conv2d({ operands: { x, weight, bias }, attrs }: NodeOf<"conv2d">, site: Site): Expression {
  const { stride, padding, groups } = attrs;
  const [outputs, inputs, rows, columns] = weight.type.shape.map((size) => constantDim(size)!) as [
    number,
    number,
    number,
    number,
  ];
  const windows = `stride=${literal(stride)}, padding=${literal(padding)}${groups === 1 ? "" : `, groups=${groups}`}`;
  const kernel = `${inputs * groups}, ${outputs}, (${rows}, ${columns}), ${windows}`;
  const module = site.module(`nn.Conv2d(${kernel}${bias === undefined ? ", bias=False" : ""})`, {
    weight,
    bias,
  });
  if (module !== undefined) return atom(`${module}(${site.read(x)})`);
  const added = bias === undefined ? "" : `${site.read(bias)}, `;
  return atom(`F.conv2d(${site.read(x)}, ${site.read(weight)}, ${added}${windows})`);
}

function maxPool(node: NodeOf<"max_pool2d">, site: Site): Expression {
  const { kernel, stride, padding } = node.attrs;
  if (padding.some((size, axis) => 2 * size > kernel[axis]!))
    throw new Refused("attribute", "max_pool2d with more padding than half of its window", node);
  const sizes = [kernel, stride, padding].map(literal).join(", ");
  return atom(`F.max_pool2d(${site.read(node.operands.x)}, ${sizes})`);
}

const routed = (
  { operands: { x, weight, chosen }, attrs: { layout } }: NodeOf<"routed_linear">,
  site: Site,
): Expression => {
  const matrices = layout === "in_out" ? `${site.atom(weight)}.transpose(1, 2)` : site.read(weight);
  return atom(`${site.helper("routed_linear")}(${site.read(x)}, ${matrices}, ${site.read(chosen)})`);
};

export const products: Pick<
  TorchTable,
  "matmul" | "linear" | "embedding" | "conv2d" | "max_pool2d" | "routed_linear"
> = {
  matmul: ({ operands: { a, b }, attrs: { transpose_b: isTransposed } }, site) =>
    sum(`${site.atom(a)} @ ${site.atom(b)}${isTransposed ? ".transpose(-2, -1)" : ""}`),
  linear,
  embedding,
  conv2d,
  max_pool2d: maxPool,
  routed_linear: routed,
};
