import type { LowerOptions } from "../src/lower/lower.ts";
import type { Source } from "../src/support/source.ts";

/** A text, and what is set of its parameters beside it. */
export interface ModelText {
  readonly text: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Which model of it; the first if there are several and none is said. */
  readonly model?: string | undefined;
  /** The other files of the project, by path beside it, for its `use` lines. */
  readonly files?: Readonly<Record<string, string>> | undefined;
}

/** What the text is called in messages, and where marks of the picture lie. */
export const MODEL_FILE = "model.lmg";

export const sourceOf = ({ text }: ModelText): Source => ({ name: MODEL_FILE, text });

/** How lowering takes it. */
export const optionsOf = ({ settings, model, files = {} }: ModelText): LowerOptions => ({
  settings,
  ...(model === undefined ? {} : { model }),
  resolveUse: (path) => {
    const text = files[path];
    return text === undefined ? undefined : { name: path, text };
  },
});

/** A range of the model's text. */
export interface Range {
  readonly from: number;
  readonly to: number;
}
