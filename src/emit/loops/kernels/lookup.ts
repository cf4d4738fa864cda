import { onlyView } from "../../../kernels/results.ts";
import { rowStep } from "../../../kernels/view.ts";
import { dim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import { KernelBuilder } from "../builder.ts";
import { apply, less, log, minus, over, plus, rounded, select, times, type Operand } from "../formula.ts";
import type { Expression } from "../tree.ts";
import { eachRow } from "../walk.ts";
import type { Loops } from "./kernel.ts";

/** Rows of a table; an id outside it is a mistake of the caller, not a read past the end. */
const embedding: Loops<"embedding"> = ({ operands, results }) => {
  const k = new KernelBuilder();
  const table = k.tensor("table", operands.table);
  const entries = k.size("entries", operands.table.type.shape[0]!);
  const width = k.size("width", operands.table.type.shape[1]!);
  const tableStep = k.size("tableStep", rowStep(operands.table));
  const places = { ids: k.tensor("ids", operands.ids), out: k.tensor("out", onlyView(results)) };
  eachRow(k, operands.ids.type.shape, places, ({ ids, out }) => {
    const id = k.let("id", ids);
    k.check(id, entries, "id");
    k.lanes("c", width, (c) => k.store(out.at(c), table.at(id, tableStep).at(c)));
  });
  return k.finish("embedding", "Rows of a table by id.");
};

const embedding_grad: Loops<"embedding_grad"> = ({ operands, results }) => {
  const k = new KernelBuilder();
  const view = onlyView(results);
  const entries = k.size("entries", view.type.shape[0]!);
  const width = k.size("width", view.type.shape[1]!);
  const out = k.tensor("out", view);
  const places = { ids: k.tensor("ids", operands.ids), grad: k.tensor("grad", operands.grad) };
  k.clear(out, times(entries, width));
  const add = ({ ids, grad }: typeof places): void => {
    const id = k.let("id", ids);
    k.check(id, entries, "id");
    const entry = out.at(id, width);
    k.lanes("c", width, (c) => k.add(entry.at(c), grad.at(c)));
  };
  eachRow(k, operands.ids.type.shape, places, add, "folds");
  return k.finish("embedding_grad", "The rows of the gradient added up by id.");
};

const iota: Loops<"iota"> = ({ attrs, results }) => {
  const k = new KernelBuilder();
  const size = k.size("size", attrs.size);
  const start = k.stride("start", attrs.start);
  const out = k.tensor("out", onlyView(results));
  k.lanes("i", size, (i) => k.store(out.at(i), plus(start, i)));
  return k.finish("iota", "Whole numbers, one after the other.");
};

const extent: Loops<"extent"> = ({ attrs, results }) => {
  const k = new KernelBuilder();
  const size = k.size("size", attrs.size);
  k.store(k.tensor("out", onlyView(results)), size);
  return k.finish("extent", "A size as a number.");
};

/** T5's buckets; the logarithm is float32's, as the reference's, since it decides at exact powers. */
const relative_bucket: Loops<"relative_bucket"> = ({ attrs, results }) => {
  const { causal, buckets, far } = attrs;
  const k = new KernelBuilder();
  const [rows, columns] = [k.size("rows", attrs.rows), k.size("columns", attrs.columns)];
  const [rowStart, columnStart] = [
    k.stride("rowStart", attrs.row_start),
    k.stride("columnStart", attrs.column_start),
  ];
  const out = k.tensor("out", onlyView(results));
  const side = causal ? buckets : Math.floor(buckets / 2);
  const near = Math.floor(side / 2);
  const single = (x: Operand): Expression => rounded("f32", x);
  const logarithm = (x: Operand): Expression => single(log(x));
  k.rows("row", rows, (row) =>
    k.lanes("column", columns, (column) => {
      const [i, j] = [plus(rowStart, row), plus(columnStart, column)];
      const steps = k.let("steps", causal ? apply("max", minus(i, j), 0) : apply("abs", minus(j, i)));
      const share = single(over(logarithm(single(over(steps, near))), Math.fround(Math.log(far / near))));
      const distant = plus(near, apply("floor", single(times(share, side - near))));
      const bucket = k.let("bucket", select(less(steps, near), steps, apply("min", distant, side - 1)));
      k.store(
        out.at(row, columns).at(column),
        causal ? bucket : select(less(i, j), plus(side, bucket), bucket),
      );
    }),
  );
  return k.finish("relative_bucket", "T5's bucket of the distance from query i to key j.");
};

const take: Loops<"take"> = ({ operands, results }) => {
  const k = new KernelBuilder();
  const { shape } = operands.indices.type;
  const size = k.size("size", operands.x.type.shape.at(-1)!);
  const count = k.size("count", shape.at(-1)!);
  const places = {
    x: k.tensor("x", operands.x),
    indices: k.tensor("indices", operands.indices),
    out: k.tensor("out", onlyView(results)),
  };
  eachRow(k, shape.slice(0, -1), places, ({ x, indices, out }) =>
    k.turns("c", count, (c) => {
      const index = k.let("index", indices.at(c));
      k.check(index, size, "index");
      k.store(out.at(c), x.at(index));
    }),
  );
  return k.finish("take", "Elements of each row by their indices.");
};

const spread: Loops<"spread"> = ({ operands, attrs, results }) => {
  const k = new KernelBuilder();
  const view = onlyView(results);
  const { shape } = operands.values.type;
  const count = k.size("count", shape.at(-1)!);
  const size = k.size("size", dim(attrs.size));
  const total = k.size("total", elementsOf(view.type));
  const places = {
    values: k.tensor("values", operands.values),
    indices: k.tensor("indices", operands.indices),
    out: k.tensor("out", view),
  };
  k.clear(places.out, total);
  eachRow(k, shape.slice(0, -1), places, ({ values, indices, out }) =>
    k.turns("c", count, (c) => {
      const index = k.let("index", indices.at(c));
      k.check(index, size, "index");
      k.store(out.at(index), values.at(c));
    }),
  );
  return k.finish("spread", "Zeros with values put at their indices.");
};

export const lookupLoops = { embedding, embedding_grad, extent, iota, relative_bucket, spread, take };
