import type { Lint } from "./lint.ts";

/** A parameter of a definition of the file that neither its body nor the default of another parameter names. */
export const unreadParameter: Lint = {
  code: "W307",
  find: ({ module, reads }) =>
    [...module.own.values()].flatMap((definition) =>
      definition.parameters
        .filter(({ name }) => !reads(definition).has(name.text))
        .map(({ name }) => ({
          spans: [name.span],
          message: `nothing reads the parameter \`${name.text}\` of \`${definition.name.text}\``,
          help: "leave it out: whoever gives it expects that it changes something",
        })),
    ),
};
