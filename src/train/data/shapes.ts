import { Problem, quote, showSizes } from "../../checkpoint/problem.ts";
import { constantDim, evaluateDim, symbolsOf, type Dim } from "../../tensor/dim.ts";
import { sizeOf } from "../../tensor/host.ts";
import { showType } from "../../tensor/type.ts";
import type { Column } from "./columns.ts";
import type { Wanted } from "./wanted.ts";

/** The shapes of the rows of columns for the model, by name, and the run-time dims as a whole batch makes them. */
export interface RowShapes {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly sizes: ReadonlyMap<string, number>;
}

/**
 * The shape that each column's rows have for the model: the row's own if the axes agree, where run-time dims take the
 * sizes of the files; or another with as many elements, if the model says all of its sizes.
 */
export function rowShapes(columns: readonly Column[], wanted: Wanted, batch: number): RowShapes | Problem {
  const sizes = new Map<string, number>();
  for (const column of columns) {
    const { type } = column.wanted;
    const [rows, ...axes] = type.shape;
    if (rows === undefined)
      return new Problem(
        "E759",
        `${quote(column.wanted.name)} is ${showType(type)}: it has no axis for rows`,
      );
    const problem = bind(sizes, rows, batch, column) ?? bindAxes(sizes, axes, column);
    if (problem !== undefined) return problem;
  }
  const shapes = tooLarge(sizes, wanted) ?? fittedShapes(columns, sizes);
  return shapes instanceof Problem ? shapes : { shapes, sizes };
}

function bindAxes(sizes: Map<string, number>, axes: readonly Dim[], column: Column): Problem | undefined {
  if (axes.length !== column.shape.length) return undefined;
  for (const [axis, size] of axes.entries()) {
    const problem = bind(sizes, size, column.shape[axis]!, column);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** A run-time dim takes the first size that it meets; another one does not fit. */
function bind(sizes: Map<string, number>, size: Dim, found: number, column: Column): Problem | undefined {
  const [symbol] = symbolsOf(size);
  if (symbol === undefined || symbol !== size.key) return undefined;
  const before = sizes.get(symbol);
  sizes.set(symbol, before ?? found);
  if (before === undefined || before === found) return undefined;
  return new Problem("E759", `${misfit(column)}: ${symbol} is ${before} already`);
}

const misfit = ({ from, shape, wanted }: Column): string =>
  `${from}: a row is ${showSizes(shape)}, but ${quote(wanted.name)} is ${showType(wanted.type)}`;

function tooLarge(sizes: ReadonlyMap<string, number>, { symbols }: Wanted): Problem | undefined {
  const over = symbols.find(({ name, max }) => max !== undefined && (sizes.get(name) ?? 0) > max);
  if (over === undefined) return undefined;
  return new Problem(
    "E759",
    `the data makes ${over.name} ${sizes.get(over.name)!}, but the model takes at most ${over.max!}`,
  );
}

function fittedShapes(
  columns: readonly Column[],
  sizes: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly number[]> | Problem {
  const shapes = new Map<string, readonly number[]>();
  for (const column of columns) {
    const axes = column.wanted.type.shape.slice(1);
    if (axes.some((size) => [...symbolsOf(size)].some((name) => !sizes.has(name))))
      return new Problem("E759", `${misfit(column)}: the axes cannot be told`);
    const shape = axes.map((size) => evaluateDim(size, sizes));
    if (sizeOf(shape) !== sizeOf(column.shape)) return new Problem("E759", misfit(column));
    const sameRank = shape.length === column.shape.length;
    const isKnown = axes.every((size) => constantDim(size) !== undefined);
    if (!isKnown && !(sameRank && shape.every((size, axis) => size === column.shape[axis])))
      return new Problem("E759", misfit(column));
    shapes.set(column.wanted.name, shape);
  }
  return shapes;
}
