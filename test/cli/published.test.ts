import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { mistake, output, put } from "./harness.ts";

const whale = "examples/weights/whale";
const model = ["examples/llama.lmg"];
const folder = mkdtempSync(join(tmpdir(), "lmg-published-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("a published checkpoint alone runs as the example of its family does with it", async () => {
  const prompt = ["--prompt", "Call me", "--generate", "8", "--temperature", "0"];
  const named = await output("run", ...model, "--weights", whale, ...prompt);
  expect(await output("run", whale, ...prompt)).toBe(named);
});

test("with weights from elsewhere it says how large the model is", async () => {
  const random = ["--random", "3", "--tokens", "1,2,3"];
  const named = await output("run", ...model, "--config", whale, ...random);
  expect(await output("run", whale, ...random)).toBe(named);
});

test("what only needs a model takes its config", async () => {
  const [a, b] = [join(folder, "a"), join(folder, "b")];
  await output("compile", ...model, "--config", whale, "-o", `${a}/`);
  await output("compile", whale, "-o", `${b}/`);
  expect(readFileSync(join(b, "llama.ts"), "utf8")).toBe(readFileSync(join(a, "llama.ts"), "utf8"));
});

test("a family that no example has, and a config without one, are refused with what to do", async () => {
  put(join(folder, "new", "config.json"), JSON.stringify({ model_type: "brontosaurus" }));
  put(join(folder, "none", "config.json"), JSON.stringify({ hidden_size: 8 }));
  const said = async (name: string): Promise<string> =>
    (await mistake("run", join(folder, name), "--tokens", "1")).replaceAll(folder, "AT");
  expect(await said("new")).toMatchInlineSnapshot(`
    "error[E737]: no example of lmg is of the family \`brontosaurus\`, of which \`AT/new\` is
      help: write the model, with a config section that speaks for it, and name both: lmg run MODEL.lmg --weights AT/new"
  `);
  expect(await said("none")).toMatchInlineSnapshot(`
    "error[E737]: the config of \`AT/none\` names no family: it has no \`model_type\`
      help: write the model, with a config section that speaks for it, and name both: lmg run MODEL.lmg --weights AT/none"
  `);
});
