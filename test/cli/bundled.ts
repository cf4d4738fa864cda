import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * For the tests of a file: a folder that holds these files, and the command line as one file, `lmg.mjs`, as starting the
 * sources as a process takes seconds. Gives paths in it.
 */
export function folderWithCommand(
  files: Readonly<Record<string, string | Uint8Array>> = {},
): (...parts: string[]) => string {
  let folder = "";
  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "lmg-process-")));
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    await build({
      entryPoints: [join(root, "src/cli/main.ts")],
      bundle: true,
      platform: "node",
      format: "esm",
      packages: "external",
      outfile: join(folder, "lmg.mjs"),
    });
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  return (...parts) => join(folder, ...parts);
}
