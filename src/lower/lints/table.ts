import { doubledStream } from "./doubled-stream.ts";
import { deepPostNorm } from "./deep-post-norm.ts";
import type { Lint, NamedLint } from "./lint.ts";
import { lintNames, type LintName } from "./names.ts";
import { noFinalNorm } from "./no-final-norm.ts";
import { unnormedBranch } from "./unnormed-branch.ts";
import { unreadBlock } from "./unread-block.ts";
import { unreadInput } from "./unread-input.ts";
import { unreadLet } from "./unread-let.ts";
import { unreadParameter } from "./unread-parameter.ts";
import { unreadTap } from "./unread-tap.ts";
import { unreadUse } from "./unread-use.ts";
import { unreadValue } from "./unread-value.ts";

const lints: Readonly<Record<LintName, Lint>> = {
  no_final_norm: noFinalNorm,
  deep_post_norm: deepPostNorm,
  unnormed_branch: unnormedBranch,
  unread_tap: unreadTap,
  unread_value: unreadValue,
  unread_parameter: unreadParameter,
  unread_let: unreadLet,
  unread_input: unreadInput,
  unread_block: unreadBlock,
  unread_use: unreadUse,
  doubled_stream: doubledStream,
};

/** What lmg itself warns of, in the order in which it is looked for. */
export const ourLints: readonly NamedLint[] = lintNames.map((name) => ({ name, ...lints[name] }));
