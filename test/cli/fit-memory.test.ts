import { spawnSync } from "node:child_process";
import { truncateSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { inFolder, lmg, output } from "./harness.ts";

const model = `model wide(dim = 4096) {
  input x: f32[B, dim]
  up: linear(dim)
  down: linear(dim, layout: in_out)
  output y: f32[B, dim]
}
`;

/** Loads a file of 134 MB, runs the model once, and says how far the memory of the process went beyond where it began. */
const child = `
import { loadSafetensors } from "./out/wide.js";
const before = process.memoryUsage().rss;
const model = await loadSafetensors("wide.safetensors", { threads: 1 });
await model.run({ x: { data: new Float32Array(4096), shape: [1, 4096] } });
console.log(JSON.stringify(1024 * process.resourceUsage().maxRSS - before));
`;

inFolder({ "wide.lmg": model, "child.mjs": child });

test.each([[], ["--quantize", "int8"]])(
  "what \`lmg fit\` says before anything is read is what Node takes at most, to a tenth and 24 MB (%s %s)",
  async (...quantize) => {
    const entries = Object.entries({
      "up.weight": [4096, 4096],
      "up.bias": [4096],
      "down.weight": [4096, 4096],
      "down.bias": [4096],
    });
    let end = 0;
    const header = entries.map(([name, shape]) => {
      const begin = end;
      end += 4 * shape.reduce((product, size) => product * size, 1);
      return [name, { dtype: "F32", shape, data_offsets: [begin, end] }];
    });
    const text = JSON.stringify(Object.fromEntries(header));
    const start = new Uint8Array(8 + text.length);
    new DataView(start.buffer).setBigUint64(0, BigInt(text.length), true);
    start.set(new TextEncoder().encode(text), 8);
    writeFileSync("wide.safetensors", start);
    // Zeros that take no room on the disk.
    truncateSync("wide.safetensors", start.length + end);
    await output("compile", "wide.lmg", "--target", "js", ...quantize);
    const { text: said } = await lmg("fit", "wide.lmg", "--target", "wasm", "--json", ...quantize);
    const { memory } = JSON.parse(said) as { memory: { peakBytes: number; residentBytes: number } };
    const run = spawnSync(process.execPath, ["child.mjs"], { encoding: "utf8" });
    expect(run.stderr).toBe("");
    const peak = JSON.parse(run.stdout) as number;
    expect(peak).toBeGreaterThan(0.9 * memory.residentBytes);
    expect(peak).toBeLessThan(1.1 * memory.peakBytes + 24e6);
    expect(memory.peakBytes).toBeLessThan(1.2 * end);
  },
);
