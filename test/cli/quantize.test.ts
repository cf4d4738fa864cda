import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readNpy } from "../../src/checkpoint/npy.ts";
import { expectValue } from "../checkpoint/fixtures.ts";
import { inFolder, lmg, output } from "./harness.ts";

const repository = process.cwd();
const model = `${repository}/examples/llama.lmg`;
const weights = `${repository}/examples/weights/whale`;
const text = "The whale was a great fish, and the men of the ship were afraid of it.\n".repeat(8);

inFolder({ "text.txt": text });

async function logits(...options: string[]): Promise<number[]> {
  const given = ["--weights", weights, "--prompt", "The whale and the sea", ...options];
  const { code, notes } = await lmg("run", model, ...given, "--logits", "logits.npy");
  expect([code, notes]).toEqual([0, ""]);
  return [...expectValue(readNpy(readFileSync("logits.npy"), "logits.npy")).data];
}

const largest = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe("lmg run --quantize", () => {
  test.each(["int8", "int4"])(
    "%s computes on each target what the interpreter computes of the codes",
    async (form) => {
      const given = ["--quantize", form, "--activations", "f32"];
      const expected = await logits(...given, "--interpret");
      // Float32 beside float64, of logits up to 20.
      for (const target of ["wasm", "ts"])
        expect(largest(await logits(...given, "--target", target), expected)).toBeLessThan(1e-4);
    },
  );

  test("reads activations as 8-bit numbers as the interpreter does, but for halves that float32 rounds the other way", async () => {
    const expected = await logits("--quantize", "int8", "--interpret");
    const [rounded, floats] = [
      await logits("--quantize", "int8"),
      await logits("--quantize", "int8", "--activations", "f32"),
    ];
    expect(largest(rounded, floats)).toBeGreaterThan(1e-3);
    // A code that is one more or less is 1/127 of the largest of its block.
    expect(largest(rounded, expected)).toBeLessThan(0.2);
  });

  test("changes the logits, in 8 bits little", async () => {
    const plain = await logits();
    const [int8, int4] = [await logits("--quantize", "int8"), await logits("--quantize", "int4")];
    expect(largest(int8, plain)).toBeGreaterThan(1e-3);
    expect(largest(int8, plain)).toBeLessThan(0.2);
    expect(largest(int4, plain)).toBeGreaterThan(largest(int8, plain));
    expect(await logits("--quantize", "none")).toEqual(plain);
  });

  test("generates token by token, activations as they are or as 8-bit numbers", async () => {
    const generated = (...more: string[]) =>
      output("run", model, "--weights", weights, "--prompt", "The whale", "--generate", "12", ...more);
    const plain = await generated();
    expect(await generated("--quantize", "int8")).toBe(plain);
    expect(await generated("--quantize", "int8", "--activations", "f32")).toBe(plain);
  });
});

describe("lmg quantize", () => {
  test("writes a checkpoint that runs, and says what it costs", async () => {
    const {
      code,
      text: said,
      notes,
    } = await lmg(...["quantize", model, "--weights", weights, "-o", "small", "--data", "text.txt"]);
    expect(code).toBe(0);
    expect(notes).toMatch(/^\d+ tokens of text\.txt/);
    expect(said).toMatch(/24 matrices quantized, the error ‖Δw‖ \/ ‖w‖ is 0\.005\d in the mean/);
    expect(said).toMatch(
      /4 tensors, model\.layers\.0\.mlp\.down_proj\.weight first: its rows are no multiple of 32/,
    );
    const [, agree] = /the same next token at ([\d.]+) %/.exec(said)!;
    expect(Number(agree)).toBeGreaterThan(98);
    const prompt = ["--prompt", "The whale", "--generate", "12"];
    expect(await output("run", model, "--weights", "small", ...prompt)).toBe(
      await output("run", model, "--weights", weights, ...prompt),
    );
    const config = JSON.parse(readFileSync("small/config.json", "utf8")) as {
      quantization_config: { format: string; ignore: string[] };
    };
    expect(config.quantization_config.format).toBe("int-quantized");
    expect(config.quantization_config.ignore).toEqual(["model.embed_tokens"]);
  });

  test("in 4 bits warns of small models, and reads back what it wrote", async () => {
    const {
      code,
      text: said,
      notes,
    } = await lmg(...["quantize", model, "--weights", weights, "--to", "int4", "-o", "smaller", "--json"]);
    expect([code, notes.startsWith("warning: models of less than a billion parameters")]).toEqual([0, true]);
    const { layers } = JSON.parse(said) as { layers: { bits: number; error: number }[] };
    expect(layers).toHaveLength(24);
    for (const { bits, error } of layers) {
      expect(bits).toBe(4);
      expect(error).toBeGreaterThan(0.05);
      expect(error).toBeLessThan(0.11);
    }
    const kept = await output("run", model, "--weights", "smaller", "--prompt", "The whale", "--top", "1");
    // Tables stay floats in the file; linears are those that --quantize makes.
    expect(kept).toContain("probability");
    const more = ["--weights", "smaller", "--prompt", "The whale", "--top", "1", "--quantize"];
    expect((await lmg("run", model, ...more, "int8")).notes).toBe(
      "--quantize int8 leaves 24 matrices as stored, in codes of 4 bits: codes of more bits are no nearer to what these stand for\n",
    );
    expect((await lmg("run", model, ...more, "int4")).notes).toBe("");
  });
});
