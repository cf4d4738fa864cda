import type { Source } from "../../support/source.ts";
import type { Out } from "../out.ts";
import type { ModelOptions } from "../source.ts";

/** A file for another engine. */
export interface ExportedFile {
  readonly path: string;
  readonly text: string | Uint8Array;
}

/** Writes a model for another engine; a misfit ends the command. */
export type ExportFiles = (
  source: Source,
  options: ModelOptions,
  out: Out,
) => Promise<readonly ExportedFile[]>;
