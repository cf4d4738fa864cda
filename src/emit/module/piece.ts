import type { Code } from "../../support/text.ts";

/** A piece of a module, and the names that it declares there; `test/emit/names/declared.test.ts` holds the names to the code. */
export interface Piece {
  readonly declares: readonly string[];
  readonly code: readonly Code[];
}
