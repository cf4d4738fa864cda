import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { goldenTransformers, goldenFolders } from "./emitted.ts";

/* The code that lmg writes for transformers, of each golden checkpoint that it is not refused for: `npx tsx … FOLDER`. */

const [folder = "."] = process.argv.slice(2);
for (const golden of goldenFolders) {
  const made = goldenTransformers(golden);
  if ("reason" in made) continue;
  const place = join(folder, "goldens", basename(golden));
  mkdirSync(place, { recursive: true });
  for (const { path, text } of made) writeFileSync(join(place, path), text);
}
