import { createHash } from "node:crypto";
import type { EmittedFile } from "../../src/emit/module/file.ts";

export const digestsFile = new URL("modules.sha256", import.meta.url);

/** A line of the file of digests, as `sha256sum` writes and checks it. */
export const digestLine = ({ path, text }: EmittedFile): string =>
  `${createHash("sha256").update(text).digest("hex")}  ${path}`;
