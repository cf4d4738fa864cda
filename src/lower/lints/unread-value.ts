import type { Definition, Name } from "../../language/ast.ts";
import { spanText } from "../../support/source.ts";
import type { NamedPlace } from "../namings.ts";
import type { Lint } from "./lint.ts";

/**
 * A `NAME = …` that nothing reads: mostly an output under another name, or a chain that should have moved the stream.
 * A name that the definition mentions elsewhere may be read with other parameters.
 */
export const unreadValue: Lint = {
  code: "W306",
  find: ({ unreadTargets }) => {
    const mentions = new Map<Definition, ReadonlyMap<string, number>>();
    const isRead = ({ naming, definition }: NamedPlace<Name>): boolean => {
      const counts = mentions.get(definition) ?? mentionsIn(definition);
      mentions.set(definition, counts);
      return (counts.get(naming.text) ?? 0) > 1;
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

/** How often a definition has each name, labels and names of arguments not counted. */
function mentionsIn(definition: Definition): ReadonlyMap<string, number> {
  const text = spanText(definition.span).replaceAll(/"(?:\\.|[^"\\])*"|\/\/.*/g, " ");
  const counts = new Map<string, number>();
  for (const [word] of text.matchAll(/\b[a-z_]\w*\b(?!\s*:)/g)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
