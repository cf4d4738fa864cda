/** What `allow` can silence beside the lints that a program adds, each word a file of this folder. */
export const lintNames = [
  "no_final_norm",
  "deep_post_norm",
  "unnormed_branch",
  "unread_tap",
  "unread_value",
  "unread_parameter",
  "unread_let",
  "unread_input",
  "unread_block",
  "unread_use",
  "doubled_stream",
] as const;

export type LintName = (typeof lintNames)[number];

export const isLintName = (name: string): name is LintName => (lintNames as readonly string[]).includes(name);
