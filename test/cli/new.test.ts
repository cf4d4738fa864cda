import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { inFolder, lmg, mistake, output } from "./harness.ts";

const goldens = resolve("test/golden/families");
const gguf = resolve("test/golden/gguf/qwen2.gguf");
inFolder({ "there.lmg": "" });

test.each(["qwen2", "bart", "mamba"])(
  "the file that is made of a checkpoint of %s gives the same bits",
  async (name) => {
    const folder = `${goldens}/${name}`;
    const ids = (input: string, tensor: string) => [
      "--input",
      `${input}=${folder}/golden.safetensors:case0/${tensor}`,
    ];
    const inputs =
      name === "bart"
        ? [...ids("input_ids", "input_ids"), ...ids("decoder_input_ids", "decoder_input_ids")]
        : ids("tokens", "input_ids");
    expect(await output("new", name, "--from", folder)).toContain(`wrote ${name}.lmg`);
    expect(await lmg("fmt", "--check", `${name}.lmg`)).toMatchObject({ code: 0, text: "" });
    await output("run", folder, ...inputs, "--logits", "family.npy");
    await output("run", `${name}.lmg`, "--weights", folder, ...inputs, "--logits", "own.npy");
    expect(readFileSync("own.npy")).toEqual(readFileSync("family.npy"));
  },
);

test("it has the sizes of the checkpoint, of a GGUF file too", async () => {
  await output("new", "sized", "--from", gguf);
  const text = readFileSync("sized.lmg", "utf8");
  expect(text).toContain("model sized(");
  const stats = JSON.parse(await output("stats", "sized.lmg", "--json")) as { parameters: number };
  expect(stats.parameters).toBe(
    (JSON.parse(await output("stats", gguf, "--json")) as typeof stats).parameters,
  );
});

test("without a checkpoint it is the family's file under another name", async () => {
  await output("new", "mine", "--family", "qwen3");
  const family = readFileSync(resolve(__dirname, "../../examples/qwen3.lmg"), "utf8");
  expect(readFileSync("mine.lmg", "utf8")).toBe(family.replace("model qwen3(", "model mine("));
});

test("what cannot be made is said with a way forward, and no file is touched", async () => {
  expect(await mistake("new", "there", "--family", "llama")).toMatchInlineSnapshot(`
    "error[E828]: \`there.lmg\` is there already
      help: choose another name, or replace it with --force"
  `);
  expect(readFileSync("there.lmg", "utf8")).toBe("");
  expect(await mistake("new", "Mine", "--family", "llama")).toMatchInlineSnapshot(`
    "error[E827]: \`Mine\` is no name of a model
      help: a name begins with a small letter or \`_\`, and has letters, digits and \`_\`"
  `);
  expect(await mistake("new", "other")).toMatchInlineSnapshot(`
    "error[E829]: a new model is made of a checkpoint or of a family
      help: name one: --from PATH or --family TYPE"
  `);
  expect(await mistake("new", "other", "--family", "lama")).toMatchInlineSnapshot(`
    "error[E737]: lmg has no model of the family \`lama\`
      help: did you mean \`llama\`?"
  `);
  expect(await mistake("new", "other", "--from", ".")).toMatchInlineSnapshot(`
    "error[E829]: \`.\` is no published checkpoint
      help: name its folder, with a config.json, or a .gguf file"
  `);
  writeFileSync("config.json", JSON.stringify({ model_type: "qwen2", hidden_size: 8, wings: 2 }));
  expect(await mistake("new", "other", "--from", ".")).toContain("`wings`");
  expect(existsSync("other.lmg")).toBe(false);
  await output("new", "there", "--family", "llama", "--force");
  expect(readFileSync("there.lmg", "utf8")).toContain("model there(");
});
