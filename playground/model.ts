import type { LowerOptions } from "../src/lower/lower.ts";
import type { Source } from "../src/support/source.ts";

/** A text, and what is set of its parameters beside it. */
export interface ModelText {
  readonly text: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Which model of it; the first if there are several and none is said. */
  readonly model?: string | undefined;
  /** What its `use` lines name. */
  readonly files?: readonly UsedFile[] | undefined;
}

/** A file that a `use` line names: the file where the line stands (empty: the model's), the path there, and what it found. */
export interface UsedFile {
  readonly from: string;
  readonly path: string;
  readonly name: string;
  readonly text: string;
}

/** What the text is called in messages, and where marks of the picture lie. */
export const MODEL_FILE = "model.lmg";

export const sourceOf = ({ text }: ModelText): Source => ({ name: MODEL_FILE, text });

/** How lowering takes it. */
export const optionsOf = ({ settings, model, files = [] }: ModelText): LowerOptions => ({
  settings,
  ...(model === undefined ? {} : { model }),
  resolveUse: (path, { name }) => {
    const from = name === MODEL_FILE ? "" : name;
    return files.find((file) => file.from === from && file.path === path);
  },
});

/** What a model can run on in a page. */
export type PageEngine = "wasm" | "wgsl";

/** A range of the model's text. */
export interface Range {
  readonly from: number;
  readonly to: number;
}
