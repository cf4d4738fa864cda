// Written by scripts/embed.ts from src/std/*.lmg.
/** The files of the standard library, by name. */
export const stdSources: readonly { name: string; text: string }[] = [];
