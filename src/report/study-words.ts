import type { SummaryRow } from "../study/summary.ts";

/** What a reader of the row must know. */
export function remarkOf({ best, edge, learnedNothing, made }: SummaryRow): string {
  if (made === 0) return "not made yet";
  if (best === null) return "every run stopped";
  if (learnedNothing) return "did not learn";
  return edge === null ? "" : `best rate at the edge, widen ${edge === "high" ? "upwards" : "downwards"}`;
}
