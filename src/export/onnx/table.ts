import type { Node } from "../../ir/graph.ts";
import { refuse, Refused, writeNode, type ExportTable } from "../table.ts";
import type { Exporter } from "./exporter.ts";
import { attend } from "./ops/attend.ts";
import { createEmitters } from "./ops/create.ts";
import { elementwiseEmitters } from "./ops/elementwise.ts";
import { linearEmitters } from "./ops/linear.ts";
import { normEmitters } from "./ops/norm.ts";
import { linearAttend } from "./ops/recurrent.ts";
import { lossEmitters, reduceEmitters } from "./ops/reduce.ts";
import { residual } from "./ops/residual.ts";
import { rope } from "./ops/rope.ts";
import { shapeEmitters } from "./ops/shape.ts";

/** How each op is written: the names of what its nodes make. */
export const onnxTable: ExportTable<Exporter, string | readonly string[]> = {
  ...createEmitters,
  ...shapeEmitters,
  ...elementwiseEmitters,
  ...reduceEmitters,
  ...lossEmitters,
  ...linearEmitters,
  ...normEmitters,
  rope: (node, exporter) => rope(exporter, node),
  attend: (node, exporter) => attend(exporter, node),
  linear_attend: (node, exporter) => linearAttend(exporter, node),
  residual,
  dropout: (node, { name }) => {
    if (node.operands.key !== undefined) throw new Refused("op", "dropout that draws numbers", node);
    return name(node.operands.x);
  },
  batch_statistics: refuse("op", "statistics of a batch, which a training moves"),
};

/** Writes a node and names its results. */
export function emitNode(exporter: Exporter, node: Node): void {
  exporter.at(node);
  const made = writeNode(onnxTable, node, exporter);
  const names = typeof made === "string" ? [made] : made;
  node.results.forEach((value, index) => exporter.bind(value, names[index]!));
}
