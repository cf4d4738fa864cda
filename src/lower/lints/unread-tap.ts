import type { Span } from "../../support/source.ts";
import type { Lint } from "./lint.ts";

/** An `as NAME` that nothing reads, neither the model nor its `train`. One with a type is there to be checked. */
export const unreadTap: Lint = {
  code: "W304",
  find: ({ unreadTaps }) =>
    unreadTaps
      .filter(({ naming: tap }) => tap.type === undefined)
      .map(({ naming: tap, calls }) => ({
        spans: [tap.span, ...calls],
        message: `nothing reads \`${tap.name.text}\``,
        help: `leave \`as ${tap.name.text}\` out`,
        fix: [{ span: withBlanksBefore(tap.span), text: "" }],
      })),
};

/** What is left out of a line leaves no blank at its end. */
function withBlanksBefore({ source, start, end }: Span): Span {
  const before = source.text.slice(0, start);
  return { source, start: before.trimEnd().length, end };
}
