// Written by scripts/embed.ts from examples/*.lmg.
/** The examples that read published configs, and the `model_type`s that each speaks for. */
export const familyExamples: readonly { file: string; families: readonly string[] }[] = [];
