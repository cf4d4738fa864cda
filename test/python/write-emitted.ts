import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Refusal } from "../../src/export/table.ts";
import {
  exampleSource,
  goldenFolders,
  goldenJax,
  goldenModelPy,
  goldenTransformers,
  jaxOf,
  torchOf,
  transformersOf,
} from "./emitted.ts";

/*
 * What lmg writes for PyTorch, JAX and transformers of each golden checkpoint and of each example that it is not refused for:
 *
 *     npx tsx test/python/write-emitted.ts FOLDER
 */

interface Written {
  readonly path: string;
  readonly text: string;
}

const [folder = "."] = process.argv.slice(2);

function put(path: string, text: string): void {
  const place = join(folder, path);
  mkdirSync(dirname(place), { recursive: true });
  writeFileSync(place, text);
}

function putAll(into: string, made: readonly Written[] | Refusal): void {
  if (!("reason" in made)) for (const { path, text } of made) put(join(into, path), text);
}

for (const golden of goldenFolders) {
  const name = basename(golden);
  put(`models/${name}.py`, goldenModelPy(golden));
  const jax = goldenJax(golden);
  if (!("reason" in jax)) put(`jax/models/${name}.py`, jax[0]!.text);
  putAll(`transformers-code/goldens/${name}`, goldenTransformers(golden));
}
for (const file of readdirSync("examples").filter((each) => each.endsWith(".lmg"))) {
  const name = basename(file, ".lmg");
  const source = exampleSource(name);
  putAll(`examples/torch/${name}`, torchOf(source));
  putAll(`examples/jax/${name}`, jaxOf(source));
  putAll(`examples/transformers/${name}`, transformersOf(source));
}
