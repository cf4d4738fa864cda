import type { Refusal } from "./tree.ts";

/** Why a run is refused, as the inside of a template literal. */
export const refusals: { readonly [R in Refusal]: (index: string, end: string) => string } = {
  id: (id, end) => `the id \${${id}} is not in a table of \${${end}} rows (0 to \${${end} - 1})`,
  target: (target, end) => `the target \${${target}} is not among \${${end}} classes (0 to \${${end} - 1})`,
  index: (index, end) => `the index \${${index}} has no place in an axis of \${${end}}`,
};
