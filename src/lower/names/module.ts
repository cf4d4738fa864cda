import type { Definition, Use } from "../../language/ast.ts";
import type { Source } from "../../support/source.ts";

/** A file whose names are known: its own definitions and those that its `use` lines bring. */
export interface Module {
  readonly source: Source;
  readonly library: boolean;
  readonly own: ReadonlyMap<string, Definition>;
  readonly used: ReadonlyMap<string, Found>;
  /** The files that its `use` lines name. */
  readonly uses: readonly { readonly use: Use; readonly module: Module }[];
  /** True if a `use` line failed, here or there: names that are missing may stand in that file. */
  readonly incomplete: boolean;
}

export interface Found {
  readonly definition: Definition;
  readonly module: Module;
}
