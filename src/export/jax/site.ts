import type { Node, Value } from "../../ir/graph.ts";
import type { Dim } from "../../tensor/dim.ts";
import type { Shape } from "../../tensor/type.ts";
import type { ExportTable } from "../table.ts";
import type { Expression } from "../torch/python.ts";
import type { HelperName } from "./helpers.ts";

/** What a row of the table may ask of the place where its node is written. */
export interface Site {
  /** The text of an operand; `atom` where an operator or a dot follows it. */
  readonly read: (value: Value) => string;
  readonly atom: (value: Value) => string;
  readonly dim: (size: Dim) => string;
  readonly dims: (shape: Shape) => string;
  readonly helper: (name: HelperName) => string;
  /** Made once a forward, at its beginning, and handed down: its name. */
  readonly hoisted: (name: string, write: (top: Site) => string) => string;
  /** A tuple at the top of the file: its name. */
  readonly constant: (name: string, values: readonly number[]) => string;
  /** The key of random numbers, handed down. */
  readonly key: () => string;
  /** A number that no other draw of the file has. */
  readonly draw: () => number;
  readonly producer: (value: Value) => Node | undefined;
}

/** How nodes are written: an expression for the one result, or for all as a tuple. */
export type JaxTable = ExportTable<Site, Expression>;
