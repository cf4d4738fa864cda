import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeNpy } from "../../src/checkpoint/npy.ts";
import { readNpz, writeNpz } from "../../src/checkpoint/npz.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import { TextOut } from "../../src/cli/out.ts";
import { runProgram } from "../../src/cli/program.ts";
import { compile } from "../../src/compile.ts";
import { interpreterEngine } from "../../src/run/interpreter-engine.ts";
import { matchWeights } from "../../src/run/weights.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { inputsOf } from "../import/keras-goldens.ts";

/*
 * The golden models of Keras imported, the seed's trained by lmg, all written back, for Keras to load:
 *
 *     npx tsx test/export/write-keras.ts out/keras
 *     python test/golden/keras_models.py --check out/keras
 */

const [out = "out/keras"] = process.argv.slice(2);

async function lmg(...args: string[]): Promise<void> {
  const said = new TextOut("");
  if ((await runProgram(args, said)) !== 0) throw new Error(said.notes);
  process.stdout.write(said.text);
}

mkdirSync(out, { recursive: true });
for (const name of ["images", "encoder", "two_ways", "seed"]) {
  const folder = join(out, name);
  await lmg("import", `test/golden/keras/${name}.keras`, "-o", folder);
  if (name !== "seed") {
    await lmg("compile", join(folder, `${name}.lmg`), "--weights", folder, "--target", "keras", "-o", out);
    continue;
  }
  const [image, label, run] = [join(folder, "image.npy"), join(folder, "label.npy"), join(folder, "run")];
  writeFileSync(
    image,
    writeNpy(
      hostTensor(
        "f32",
        [256, 64],
        Array.from({ length: 256 * 64 }, (_, i) => Math.sin(i * i)),
      ),
    ),
  );
  writeFileSync(
    label,
    writeNpy(
      hostTensor(
        "i32",
        [256],
        Array.from({ length: 256 }, (_, i) => i % 10),
      ),
    ),
  );
  rmSync(run, { recursive: true, force: true });
  await lmg(
    "train",
    join(folder, "seed.lmg"),
    "--data",
    `image=${image}`,
    "--data",
    `label=${label}`,
    "--weights",
    folder,
    "--steps",
    "50",
    "-o",
    run,
  );
  await lmg("compile", run, "--target", "keras", "-o", out);
  // What it learned gives other outputs than the golden ones: lmg's own are what Keras is held to.
  const { model, graph } = compile({
    name: "seed.lmg",
    text: readFileSync(join(folder, "seed.lmg"), "utf8"),
  });
  const engine = orThrow(
    interpreterEngine(graph!, orThrow(matchWeights(model!.graph, orThrow(openCheckpoint(run))))),
  );
  const results = orThrow(await engine.run(inputsOf(name, model!.graph)));
  const golden = orThrow(readNpz(readFileSync(`test/golden/keras/${name}.npz`), name));
  const outputs = model!.graph.outputs.map(
    (output, index) => [`output.${index}`, results.get(output.name)!] as const,
  );
  writeFileSync(join(out, `${name}.npz`), writeNpz(new Map([...golden, ...outputs])));
}
