import type { Definition } from "../../language/ast.ts";
import { spanText } from "../../support/source.ts";
import type { Lint } from "./lint.ts";

/**
 * A `NAME = …` that nothing reads: mostly an output under another name, or a chain that should have moved the stream.
 * A name that the definition mentions elsewhere may be read with other parameters.
 */
export const unreadValue: Lint = {
  code: "W306",
  find: ({ unreadTargets }) =>
    unreadTargets
      .filter(({ naming, definition }) => mentions(definition, naming.text) <= 1)
      .map(({ naming, calls }) => ({
        spans: [naming.span, ...calls],
        message: `nothing reads \`${naming.text}\`, and a name does not move the stream`,
        help: `leave \`${naming.text} =\` out to move the stream; \`_\` in a tuple stands for what is not wanted`,
      })),
};

/** How often a definition has a name, labels and names of arguments not counted. */
function mentions(definition: Definition, name: string): number {
  const text = spanText(definition.span).replaceAll(/"(?:\\.|[^"\\])*"|\/\/.*/g, " ");
  return [...text.matchAll(new RegExp(`(?<!\\w)${name}(?!\\w|\\s*:)`, "g"))].length;
}
