import { isNamed, type Lint } from "./lint.ts";

/** A block that no other definition of its file names. A file without a model is a library: others call its blocks. */
export const unreadBlock: Lint = {
  code: "W311",
  find: (model) =>
    [...model.module.own.values()]
      .filter((block) => block.kind === "block" && !isNamed(block, model))
      .map(({ name }) => ({
        spans: [name.span],
        message: `nothing in this file calls the block \`${name.text}\``,
        help: "leave it out, or put what other files use into a file without a model",
      })),
};
