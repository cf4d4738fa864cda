import type { Node, Value } from "../../ir/graph.ts";
import type { Dim } from "../../tensor/dim.ts";
import type { Shape } from "../../tensor/type.ts";
import type { ExportTable } from "../table.ts";
import type { Expression } from "./python.ts";
import type { HelperName } from "./helpers.ts";

/** What a row of the table may ask of the place where its node is written. */
export interface Site {
  /** The text of an operand; `atom` where an operator or a dot follows it. */
  readonly read: (value: Value) => string;
  readonly atom: (value: Value) => string;
  /** The number of an operand that is one, known when the model is compiled. */
  readonly numberOf: (value: Value) => number | undefined;
  readonly dim: (size: Dim) => string;
  readonly dims: (shape: Shape) => string;
  /** The name of a Python function that the file then has. */
  readonly helper: (name: HelperName) => string;
  /** A module that owns these parameters by these names, or undefined where their names are not those of one module. */
  readonly module: (constructor: string, owned: OwnedParameters) => string | undefined;
  /** `x.device`, of something that is there. */
  readonly device: () => string;
  /** A value that is made once a forward, at its beginning, and handed down: its name. */
  readonly hoisted: (name: string, write: (top: Site) => string) => string;
  /** A tuple at the top of the file: its name. */
  readonly constant: (name: string, values: readonly number[]) => string;
  /** An attribute of a layer that other iterations have otherwise: `self.window`; undefined if it is the same in all. */
  readonly varied: (node: Node, attribute: string) => string | undefined;
  /** Whether it is a table of tokens that a product reads too. */
  readonly isTied: (value: Value) => boolean;
  readonly producer: (value: Value) => Node | undefined;
  /** A module of the class that has no parameters, by this name or one like it that no part of the model has. */
  readonly part: (name: string, constructor: string) => string;
  /** Says that this is handed down from the model's forward as it is: an argument's name, or `**kwargs`. */
  readonly handed: (names: string) => void;
}

/** The parts of a module's parameters, `weight` and `bias` in most, and the values that have them. */
export type OwnedParameters = Readonly<Record<string, Value | undefined>>;

/** How nodes are written: an expression for the one result, or for all as a tuple. */
export type TorchTable = ExportTable<Site, Expression>;
