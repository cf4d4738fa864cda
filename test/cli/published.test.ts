import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lmg, mistake, output, put } from "./harness.ts";

const whale = "examples/weights/whale";
const model = ["examples/llama.lmg"];
const folder = mkdtempSync(join(tmpdir(), "lmg-published-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

test("a published checkpoint alone runs as the model of its family does with it", async () => {
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

test.each([["check"], ["edges"], ["ir"], ["plan"], ["stats"], ["fit", "--target", "wasm"]])(
  "`lmg %s` takes a checkpoint of a family that is no example",
  async (...command) => {
    const said = await output(command[0], "test/golden/families/qwen2", ...command.slice(1));
    expect(said).not.toBe("");
  },
);

test("bench, compare and quantize take it too", async () => {
  const qwen2 = "test/golden/families/qwen2";
  const dims = ["--dims", "B=1,T=4"];
  expect(await output("bench", qwen2, ...dims, "--rounds", "1", "--threads", "1")).toContain("self_attn");
  expect(await output("compare", qwen2, ...dims, "--targets", "ts,wasm")).toContain("wasm");
  const { code } = await lmg("quantize", qwen2, "--to", "int8", "-o", join(folder, "int8"));
  expect(code).toBe(0);
  const tokens = ["--tokens", "5,6,7"];
  expect((await lmg("run", join(folder, "int8"), ...tokens)).code).toBe(0);
});

test("a checkpoint that brings code of its own is refused by what it brings", async () => {
  const config = { model_type: "brontosaurus", auto_map: { AutoModel: "modeling_brontosaurus.Model" } };
  put(join(folder, "code", "config.json"), JSON.stringify(config));
  const said = await mistake("run", join(folder, "code"), "--tokens", "1");
  expect(said).toContain("it brings code of its own (`auto_map`), and lmg runs none");
  expect(said).toContain("lmg run MODEL.lmg --weights");
});

test("a family that lmg has no model of, and a config without one, are refused with what to do", async () => {
  put(join(folder, "new", "config.json"), JSON.stringify({ model_type: "brontosaurus" }));
  put(join(folder, "none", "config.json"), JSON.stringify({ hidden_size: 8 }));
  const said = async (name: string): Promise<string> =>
    (await mistake("run", join(folder, name), "--tokens", "1")).replaceAll(folder, "AT");
  expect(await said("new")).toMatchInlineSnapshot(`
    "error[E737]: lmg has no model of the family \`brontosaurus\`, of which \`AT/new\` is
      help: write the model, with a config section that speaks for it, and name both: lmg run MODEL.lmg --weights AT/new"
  `);
  expect(await said("none")).toMatchInlineSnapshot(`
    "error[E737]: the config of \`AT/none\` names no family: it has no \`model_type\`
      help: write the model, with a config section that speaks for it, and name both: lmg run MODEL.lmg --weights AT/none"
  `);
});
