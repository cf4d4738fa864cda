import type { ScalarExpression } from "../ops/scalar.ts";

/** What a kernel with this program may be called: its ops in a row, cut where the name gets long. */
export const expressionName = (program: ScalarExpression): string =>
  nameOfOps(program.steps.map(({ op }) => op));

export function nameOfOps(words: readonly string[]): string {
  return words.length <= 4 ? words.join("_") : `${words.slice(0, 3).join("_")}_and_${words.length - 3}_more`;
}
