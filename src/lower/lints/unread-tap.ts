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
      })),
};
