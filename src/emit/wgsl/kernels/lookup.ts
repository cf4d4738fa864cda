import { rowStep } from "../../../kernels/view.ts";
import { relativeBucket } from "../../../ops/evaluate/create.ts";
import { invariant } from "../../../support/invariant.ts";
import { constantDim, type Dim } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { WgslKernel } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import { eachElement, LIST_SIZE, places } from "../walk.ts";

/** An invocation an element of the result. Of a table in parts, each part stores the rows that it has. */
const embedding: WgslKernel<"embedding"> = (step, context) => {
  const { operands, results } = step;
  const { table, ids } = operands;
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ table, ids }, { out });
  const isSplit = context.splitOf(step) === "table";
  const each = eachElement(builder, out.type.shape);
  const width = builder.size("width", table.type.shape[1]!);
  const tokens = places(builder, "token", ids.type.shape, [{ name: "ids", strides: ids.strides }]);
  const id = `u32(${tensors.ids.at(tokens.at[0]!)})`;
  const part = isSplit
    ? [
        `let entry = ${id} - ${builder.constant("first", 0)};`,
        "// An id before this part wraps around and is past it too.",
        ...ifThen(`entry >= ${builder.constant("part", 0)}`, ["return;"]),
      ]
    : [`let entry = ${id};`];
  const row = builder.stride("entry", "table_row", rowStep(table));
  const body = [
    ...each.lines,
    `let token = i / ${width};`,
    ...tokens.lines,
    ...part,
    tensors.out.put("i", tensors.table.at(`${row === "" ? "" : `${row} + `}i % ${width}`)),
  ];
  const [rows, rowElements] = [constantDim(table.type.shape[0]!), constantDim(rowStep(table))];
  invariant(
    !isSplit || (rows !== undefined && rowElements !== undefined),
    "a table in parts has run-time sizes",
  );
  return [
    builder.finish({
      name: "embedding",
      doc: ["Rows of a table by id."],
      body,
      workgroup: [LIST_SIZE],
      groups: each.groups,
      parts: isSplit ? { binding: 0, rows: rows!, rowElements: rowElements!, along: false } : undefined,
    }),
  ];
};

const iota: WgslKernel<"iota"> = ({ attrs, results }, context) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({}, { out });
  const each = eachElement(builder, out.type.shape);
  const body = [...each.lines, tensors.out.put("i", `i32(${shifted(builder, "i", "start", attrs.start)})`)];
  const doc = "Whole numbers, one after the other.";
  return [builder.finish({ name: "iota", doc: [doc], body, workgroup: [LIST_SIZE], groups: each.groups })];
};

/** An index from where it begins. */
const shifted = (builder: KernelBuilder, index: string, name: string, start: Dim): string =>
  constantDim(start) === 0 ? index : `${index} + ${builder.size(name, start)}`;

/** T5's buckets; the thresholds are whole distances, so that no device's logarithm decides. */
const relative_bucket: WgslKernel<"relative_bucket"> = ({ attrs, results }, context) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({}, { out });
  const each = eachElement(builder, out.type.shape);
  const columns = builder.size("bucket_columns", attrs.columns);
  const key = shifted(builder, `i % ${columns}`, "column_start", attrs.column_start);
  const query = shifted(builder, `i / ${columns}`, "row_start", attrs.row_start);
  const side = attrs.causal ? attrs.buckets : Math.floor(attrs.buckets / 2);
  const starts = bucketStarts(side, attrs.far);
  builder.declare(
    "// The least distance of each bucket.",
    `const starts = array<i32, ${starts.length}>(${starts.join(", ")});`,
  );
  const body = [
    ...each.lines,
    `let distance = i32(${key}) - i32(${query});`,
    attrs.causal ? "let steps = max(-distance, 0);" : "let steps = abs(distance);",
    "var bucket = 0;",
    ...forLoop("b", `${starts.length}u`, ifThen("steps >= starts[b]", ["bucket = i32(b);"])),
    tensors.out.put("i", attrs.causal ? "bucket" : `select(bucket, bucket + ${side}, distance > 0)`),
  ];
  const doc = "T5's bucket of the distance from query i to key j.";
  return [
    builder.finish({
      name: "relative_bucket",
      doc: [doc],
      body,
      workgroup: [LIST_SIZE],
      groups: each.groups,
    }),
  ];
};

/** The least distance that falls into each bucket of one side, found by asking the op's own rule. */
function bucketStarts(side: number, far: number): number[] {
  const starts = [0];
  for (let steps = 1; steps <= far && starts.length < side; steps++) {
    const bucket = relativeBucket(-steps, side, far, true);
    while (starts.length <= bucket) starts.push(steps);
  }
  return starts;
}

/** Each element of the result looks whether an index names it. */
const spread: WgslKernel<"spread"> = (
  { operands: { values, indices }, attrs: { size }, results },
  context,
) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ values, indices }, { out });
  const each = eachElement(builder, out.type.shape);
  const leading = values.type.shape.slice(0, -1);
  const rows = places(builder, "row", leading, [
    { name: "values", strides: values.strides.slice(0, -1) },
    { name: "indices", strides: indices.strides.slice(0, -1) },
  ]);
  builder.constant("size", size);
  const body = [
    ...each.lines,
    "let row = i / size;",
    "let place = i32(i % size);",
    ...rows.lines,
    `let values_row = ${rows.at[0]!};`,
    `let indices_row = ${rows.at[1]!};`,
    `var result = ${isFloat(values.type.dtype) ? "0.0" : "0"};`,
    ...forLoop("c", builder.size("chosen", values.type.shape.at(-1)!), [
      ...ifThen(`${tensors.indices.at("indices_row + c")} == place`, [
        `result = ${tensors.values.at("values_row + c")};`,
      ]),
    ]),
    tensors.out.put("i", "result"),
  ];
  const doc = "Zeros with values put at their indices.";
  return [builder.finish({ name: "spread", doc: [doc], body, workgroup: [LIST_SIZE], groups: each.groups })];
};

const take: WgslKernel<"take"> = ({ operands: { x, indices }, results }, context) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ x, indices }, { out });
  const each = eachElement(builder, out.type.shape);
  const count = builder.size("chosen", out.type.shape.at(-1)!);
  const rows = places(builder, "row", out.type.shape.slice(0, -1), [
    { name: "x", strides: x.strides.slice(0, -1) },
    { name: "indices", strides: indices.strides.slice(0, -1) },
  ]);
  const index = `u32(${tensors.indices.at(`${rows.at[1]!} + i % ${count}`)})`;
  const body = [
    ...each.lines,
    `let row = i / ${count};`,
    ...rows.lines,
    tensors.out.put("i", tensors.x.at(`${rows.at[0]!} + ${index}`)),
  ];
  const doc = ["Elements of each row by their indices. An element an invocation."];
  return [builder.finish({ name: "take", doc, body, workgroup: [LIST_SIZE], groups: each.groups })];
};

export const lookupKernels = { embedding, iota, relative_bucket, spread, take };
