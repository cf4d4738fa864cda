import { invariant } from "../support/invariant.ts";
import type { View } from "./view.ts";

/** The only result of a step that has one. */
export function onlyView(results: readonly View[]): View {
  const [view] = results;
  invariant(view !== undefined && results.length === 1, `expected one result, got ${results.length}`);
  return view;
}
