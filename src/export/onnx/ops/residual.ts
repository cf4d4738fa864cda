import type { Value } from "../../../ir/graph.ts";
import type { Exporter, OnnxEmitter } from "../exporter.ts";

/** skip · s + branch · Σ b: the edge as nodes that have its name. */
export const residual: OnnxEmitter<"residual"> = ({ operands, attrs }, exporter) => {
  const { one, name } = exporter;
  const { source, branches, source_gain, branch_gain } = operands;
  const carried = gained(exporter, name(source), source_gain, attrs.source_scale);
  const sum = branches.map(name).reduce((a, b) => one("Add", [a, b]));
  return one("Add", [carried, gained(exporter, sum, branch_gain, attrs.branch_scale)]);
};

function gained({ one, name, number }: Exporter, x: string, gain: Value | undefined, scale: number): string {
  const scaled = gain === undefined ? x : one("Mul", [x, name(gain)]);
  return scale === 1 ? scaled : one("Mul", [scaled, number(scale)]);
}
