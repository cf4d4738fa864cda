import type { Lint } from "./lint.ts";

/**
 * A `NAME = …` that nothing reads: mostly an output under another name, or a chain that should have moved the stream.
 * A name that the definition reads somewhere may be read with other parameters.
 */
export const unreadValue: Lint = {
  code: "W306",
  find: ({ unreadTargets, reads }) =>
    unreadTargets
      .filter(({ naming, definition }) => !reads(definition).has(naming.text))
      .map(({ naming, calls }) => ({
        spans: [naming.span, ...calls],
        message: `nothing reads \`${naming.text}\`, and a name does not move the stream`,
        help: `leave \`${naming.text} =\` out to move the stream; \`_\` in a tuple stands for what is not wanted`,
      })),
};
