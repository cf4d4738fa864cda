import type { OwnLint } from "./lint.ts";
import { isLintName } from "./names.ts";

/** Why one of the lints that a program adds could not be told from lmg's or from another; undefined if all can. */
function misnamed(lints: readonly OwnLint[]): string | undefined {
  for (const [index, { name, code }] of lints.entries()) {
    const isKnown = isLintName(name) || lints.slice(0, index).some((other) => other.name === name);
    if (isKnown) return `there is a lint called ${name} already`;
    if (!/^[a-z][a-z0-9_]*$/.test(name))
      return `${name} is no name that \`allow\` could read: a-z, 0-9 and _`;
    if (!/^[^/\s]+\/[^/\s]+$/.test(code))
      return `the code ${code} of ${name} has no namespace: \`lab/${name}\``;
  }
  return undefined;
}

/** The lints, each with a name and a code of its own. Throws a RangeError if that is not so. */
export function checkOwnLints(lints: readonly OwnLint[]): readonly OwnLint[] {
  const problem = misnamed(lints);
  if (problem !== undefined) throw new RangeError(problem);
  return lints;
}
