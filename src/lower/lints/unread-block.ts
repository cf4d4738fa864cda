import type { Lint } from "./lint.ts";

/** A block that no other definition of its file names. A file without a model is a library: others call its blocks. */
export const unreadBlock: Lint = {
  code: "W311",
  find: ({ module, reads }) => {
    const definitions = [...module.own.values()];
    return definitions
      .filter((block) => block.kind === "block")
      .filter(({ name }) => !definitions.some((other) => other.name !== name && reads(other).has(name.text)))
      .map(({ name }) => ({
        spans: [name.span],
        message: `nothing in this file calls the block \`${name.text}\``,
        help: "leave it out, or put what other files use into a file without a model",
      }));
  },
};
