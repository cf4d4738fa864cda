import { Problem } from "../../checkpoint/problem.ts";
import { countOf, showCount } from "../../support/text.ts";
import { augmentOf, describeAugmentation, type Augment } from "./augment.ts";
import type { Batch, Batches, ValidationBatch } from "./batches.ts";
import { describeColumn, gather, wrongElement, type Column } from "./columns.ts";
import { columnsOf, type DataOption } from "./feeding.ts";
import type { DataOptions } from "./options.ts";
import { rowShapes, type RowShapes } from "./shapes.ts";
import { shuffled } from "./shuffle.ts";
import type { DataSource } from "./source.ts";
import { batchesIn, partSize, spread } from "./split.ts";
import { batchProblem, batchSymbol, type Wanted } from "./wanted.ts";

/** Arrays whose rows feed inputs and targets by name; shuffled in each epoch by the seed. */
export function openRows(
  sources: readonly DataSource[],
  wanted: Wanted,
  options: DataOptions,
): Batches | Problem {
  const table = openTable(sources, wanted, options.batch, "--data");
  if (table instanceof Problem) return table;
  const parts = partsOf(table, wanted, options);
  if (parts instanceof Problem) return parts;
  if (parts.training.rows.length < options.batch)
    return new Problem(
      "E756",
      `${countOf(parts.training.rows.length, "row")} to train on cannot fill a batch of ${options.batch}`,
      "ask for a smaller batch or keep fewer rows for validation",
    );
  const misfit = batchProblem(wanted, table.sizes);
  if (misfit !== undefined) return misfit;
  const augment = augmentOf(table.columns, options.augment ?? [], options.seed);
  return augment instanceof Problem ? augment : rowBatches(parts, wanted, options, augment);
}

/** Columns of one length, with the shapes that their rows get. */
interface Table extends RowShapes {
  readonly columns: readonly Column[];
}

/** Some rows of a table. */
interface Part {
  readonly table: Table;
  readonly rows: Int32Array;
}

interface Parts {
  readonly training: Part;
  readonly validation: Part;
}

function openTable(
  sources: readonly DataSource[],
  wanted: Wanted,
  batch: number,
  option: DataOption,
): Table | Problem {
  const columns = columnsOf(sources, wanted, option);
  if (columns instanceof Problem) return columns;
  const shaped = rowShapes(columns, wanted, batch);
  if (shaped instanceof Problem) return shaped;
  for (const column of columns) {
    const wrong = wrongElement(column);
    if (wrong !== undefined) return wrong;
  }
  return { columns, ...shaped };
}

const allRows = ({ columns }: Table): Int32Array =>
  Int32Array.from({ length: columns[0]!.rows }, (_, row) => row);

/** Files of their own for validation, or rows that the seed draws. */
function partsOf(table: Table, wanted: Wanted, { validation, seed, batch }: DataOptions): Parts | Problem {
  if (typeof validation === "object") {
    if (validation.length === 0)
      return { training: { table, rows: allRows(table) }, validation: { table, rows: new Int32Array() } };
    const kept = openTable(validation, wanted, batch, "--validation");
    if (kept instanceof Problem) return kept;
    return { training: { table, rows: allRows(table) }, validation: { table: kept, rows: allRows(kept) } };
  }
  const [{ rows, from }] = table.columns as [Column];
  const size = partSize(validation, rows, "row", from);
  if (size instanceof Problem) return size;
  const order = shuffled(allRows(table), seed, "validation rows", 0);
  return {
    training: { table, rows: order.subarray(size) },
    validation: { table, rows: order.subarray(0, size) },
  };
}

function rowBatches(
  { training, validation }: Parts,
  wanted: Wanted,
  { batch, seed, augment: augmentations = [] }: DataOptions,
  augment: Augment,
): Batches {
  const left = leftOver(training, wanted, batch);
  const perEpoch = Math.floor(training.rows.length / batch) + (left.isTrained ? 1 : 0);
  const rowsOf = (index: number): readonly [from: number, to: number] => {
    const start = (index % perEpoch) * batch;
    return [start, Math.min(start + batch, training.rows.length)];
  };
  const onlyWhole = batchSymbol(wanted) === undefined;
  const unseen = onlyWhole ? validation.rows.length % batch : 0;
  const orderOf = rememberLast((epoch) => shuffled(training.rows, seed, "rows", epoch));
  const columns = [...training.table.columns.map(describeColumn), ...augmentations.map(describeAugmentation)];
  return {
    description:
      `${columns.join("; ")}; ${countOf(training.rows.length, "row")} for training, ` +
      `${validation.rows.length === 0 ? "none" : showCount(validation.rows.length)} for validation` +
      (left.words === "" ? "" : `; ${left.words}`) +
      (unseen === 0 ? "" : `; ${countOf(unseen, "row")} for validation left out: ${wholeOnly(batch)}`),
    perEpoch,
    endsEpochs: true,
    unit: "samples",
    size: batch,
    unitsOf: (index) => {
      const [from, to] = rowsOf(index);
      return to - from;
    },
    at: (index) => {
      const order = orderOf(Math.floor(index / perEpoch));
      return augment(take(training.table, order.subarray(...rowsOf(index))), index);
    },
    validationBatches: batchesIn(validation.rows.length, batch, onlyWhole),
    validation: (limit) => validationBatches(validation, batch, onlyWhole, limit),
  };
}

const wholeOnly = (batch: number): string => `the model takes ${countOf(batch, "row")} at a time`;

/** What becomes of the rows that are left when an epoch is cut in batches: a short batch, where the model can have one. */
function leftOver(
  { table, rows }: Part,
  wanted: Wanted,
  batch: number,
): { readonly isTrained: boolean; readonly words: string } {
  const left = rows.length % batch;
  if (left === 0) return { isTrained: false, words: "" };
  const symbol = batchSymbol(wanted);
  const reason =
    symbol === undefined ? wholeOnly(batch) : wanted.misfit(new Map([...table.sizes, [symbol, left]]));
  if (reason === undefined)
    return { isTrained: true, words: `the last batch of an epoch has ${countOf(left, "row")}` };
  return {
    isTrained: false,
    words: `${countOf(left, "row")} left out of each epoch, others each time: ${reason}`,
  };
}

/** The function, with its last result kept: the batches of an epoch share one order. */
function rememberLast<T>(compute: (argument: number) => T): (argument: number) => T {
  let last: { readonly argument: number; readonly result: T } | undefined;
  return (argument) => {
    if (last?.argument !== argument) last = { argument, result: compute(argument) };
    return last.result;
  };
}

function take({ columns, shapes }: Table, rows: Int32Array): Batch {
  return Object.fromEntries(
    columns.map((column) => [column.wanted.name, gather(column, rows, shapes.get(column.wanted.name)!)]),
  );
}

function* validationBatches(
  { table, rows }: Part,
  batch: number,
  onlyWhole: boolean,
  limit = Infinity,
): Iterable<ValidationBatch> {
  for (const index of spread(batchesIn(rows.length, batch, onlyWhole), limit)) {
    const taken = rows.subarray(index * batch, (index + 1) * batch);
    yield { tensors: take(table, taken), weight: taken.length };
  }
}
