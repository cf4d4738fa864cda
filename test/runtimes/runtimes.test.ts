import "../emit/wasm/relaxed.ts";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { emitWasm } from "../../src/emit/wasm/emit.ts";
import { wasmTarget } from "../../src/emit/wasm/target.ts";
import { compileWhale, weights } from "../browser/whale.ts";
import { importText } from "../emit/wasm/instantiate.ts";
import { printedBy, programOf, runtimes } from "./runtimes.ts";

const { plan } = compileWhale({ target: wasmTarget });
/** Rows and columns that are no multiples of a tile, and enough of them for both threads to have a share. */
const tokens = { data: Array.from({ length: 3 * 67 }, (_, index) => (index * 31) % 75), shape: [3, 67] };

const folder = mkdtempSync(join(tmpdir(), "lmg-runtimes-"));
const [module, file] = [join(folder, "model.ts"), join(folder, "weights.safetensors")];
writeFileSync(module, emitWasm(plan).files[0]!.text);
writeFileSync(file, weights);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The bits in Node, by the kernels for engines that round x · y + z once, or by the others. */
async function bitsInNode(isFused: boolean): Promise<string> {
  const { validate } = WebAssembly;
  if (!isFused) WebAssembly.validate = () => false;
  try {
    const { loadSafetensors } = await importText(emitWasm(plan, { types: false }).files[0]!.text);
    const model = await loadSafetensors(readFileSync(file), { threads: 1 });
    const { logits } = await model.run({ tokens });
    model.close();
    return Buffer.from(Float32Array.from(logits!.data).buffer).toString("base64");
  } finally {
    WebAssembly.validate = validate;
  }
}

describe.each(runtimes)("$name", (runtime) => {
  const program = programOf(runtime);
  // Bun's engine takes relaxed SIMD, but rounds the product first.
  const isFused = runtime.name !== "Bun";

  test.skipIf(program === undefined).each([1, 2])(
    "runs a module as it was written, in %d threads with the bits of Node, and ends by itself",
    async (threads) => {
      const script = fileURLToPath(new URL("run.mjs", import.meta.url));
      const args = [...runtime.args, script, module, file, String(threads), JSON.stringify(tokens)];
      const bits = JSON.parse(await printedBy(program!, args)) as string[];
      const wanted = await bitsInNode(isFused);
      expect(wanted.length).toBeGreaterThan(4 * 3 * 67 * 75);
      // Compared as a whole: a list of all that differs helps nobody.
      expect(bits.map((each) => each === wanted)).toEqual([true, true]);
    },
  );
});

test("the bits differ between the two kinds of engines, so that those tests tell them apart", async () => {
  expect((await bitsInNode(true)) === (await bitsInNode(false))).toBe(false);
});
