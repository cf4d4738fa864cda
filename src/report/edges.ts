import { table } from "./html.ts";

/** What is told of one residual edge, or of one in each iteration of a repeat; texts only, so that equal ones fold. */
export type EdgeRow = Readonly<
  Record<
    "line" | "name" | "source" | "branch" | "placement" | "norms" | "gains" | "fused" | "refused" | "repeats",
    string
  >
>;

/** The residual edges as a table: what each is, and what became of it. */
export const edgeTable = (rows: readonly EdgeRow[]): string =>
  table(
    ["line", "edge", "branch", "source", "norms", "gains", "fused", "not fused"],
    rows.map((row) => [
      row.line,
      row.repeats === "" ? row.name : `${row.name} (${row.repeats})`,
      row.branch,
      row.source,
      row.norms === "" ? row.placement : row.norms,
      row.gains,
      row.fused,
      row.refused,
    ]),
    [0],
    { cards: true },
  );
