import type { Definition, Name } from "../../language/ast.ts";
import { namesRead } from "../../language/mentions.ts";
import type { NamedPlace } from "../namings.ts";
import type { Lint } from "./lint.ts";

/**
 * A `NAME = …` that nothing reads: mostly an output under another name, or a chain that should have moved the stream.
 * A name that the definition reads somewhere may be read with other parameters.
 */
export const unreadValue: Lint = {
  code: "W306",
  find: ({ unreadTargets }) => {
    const read = new Map<Definition, ReadonlySet<string>>();
    const isRead = ({ naming, definition }: NamedPlace<Name>): boolean => {
      const names = read.get(definition) ?? namesRead(definition);
      read.set(definition, names);
      return names.has(naming.text);
    };
    return unreadTargets
      .filter((place) => !isRead(place))
      .map(({ naming, calls }) => ({
        spans: [naming.span, ...calls],
        message: `nothing reads \`${naming.text}\`, and a name does not move the stream`,
        help: `leave \`${naming.text} =\` out to move the stream; \`_\` in a tuple stands for what is not wanted`,
      }));
  },
};
