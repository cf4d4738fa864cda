import { withoutStatement } from "../../language/mends.ts";
import type { Lint } from "./lint.ts";

/** A `use` of a file of whose blocks and models nothing is named. */
export const unreadUse: Lint = {
  code: "W312",
  find: ({ module, reads }) => {
    const definitions = [...module.own.values()];
    return module.uses
      .filter(({ module: other }) => !other.incomplete)
      .filter(
        ({ module: other }) =>
          ![...other.own.keys()].some((name) => definitions.some((own) => reads(own).has(name))),
      )
      .map(({ use }) => ({
        spans: [use.span],
        message: "nothing of this file is called here",
        help: "leave the line out",
        fix: [withoutStatement(use.span)],
        isAtTop: true,
      }));
  },
};
