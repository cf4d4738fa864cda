import type { Definition } from "../language/ast.ts";
import type { Source } from "../support/source.ts";

/** A file whose names are known: its own definitions and those that its `use` lines bring. */
export interface Module {
  readonly source: Source;
  readonly library: boolean;
  readonly own: ReadonlyMap<string, Definition>;
  readonly used: ReadonlyMap<string, Found>;
}

export interface Found {
  readonly definition: Definition;
  readonly module: Module;
}
