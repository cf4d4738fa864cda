import type { Held } from "../../../checkpoint/onnx/held.ts";
import type { Exporter } from "../exporter.ts";
import { elementTypes, type ValueInfoProto } from "../../../checkpoint/onnx/schema.ts";
import type { OnnxGraph } from "../writer.ts";

/** A value by its name and sizes; a size that is no number is left open. */
export const valueInfo = (
  name: string,
  dtype: Held,
  sizes: readonly (number | undefined)[],
): ValueInfoProto => ({
  name,
  type: {
    tensorType: {
      elemType: elementTypes[dtype],
      shape: { dim: sizes.map((size) => (size === undefined ? {} : { dimValue: size })) },
    },
  },
});

/** A walk along an axis that carries states from row to row. */
export interface Scanned {
  readonly name: string;
  readonly body: OnnxGraph;
  /** What is carried: as it begins, as the body is given it, and as the body leaves it. */
  readonly states: readonly {
    readonly from: string;
    readonly now: ValueInfoProto;
    readonly next: ValueInfoProto;
  }[];
  /** What is read a row at a time. */
  readonly rows: readonly { readonly from: string; readonly info: ValueInfoProto }[];
  /** What the body makes for each row. */
  readonly results: readonly ValueInfoProto[];
  /** The axis of what is read and made. */
  readonly axis: number;
}

/** The states after the last row, and all rows of each result. */
export function scan(
  { onnx }: Exporter,
  { name, body, states, rows, results, axis }: Scanned,
): readonly string[] {
  const graph = {
    name,
    node: body.nodes,
    initializer: body.initializers,
    input: [...states.map(({ now }) => now), ...rows.map(({ info }) => info)],
    output: [...states.map(({ next }) => next), ...results],
  };
  const inputs = [...states.map(({ from }) => from), ...rows.map(({ from }) => from)];
  return onnx.many("Scan", inputs, states.length + results.length, {
    body: { graph },
    num_scan_inputs: rows.length,
    scan_input_axes: rows.map(() => axis),
    scan_output_axes: results.map(() => axis),
  });
}
