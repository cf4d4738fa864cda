import { describe, expect, test } from "vitest";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { toStored } from "../../src/checkpoint/stored.ts";
import { hostTensor } from "../../src/tensor/host.ts";
import { inFolder, lmg, mistake } from "./harness.ts";

const model = `model scaled(width = 2) {
  config for "scaled" { width = hidden_size }
  input x: f32[B, width]
  gain: scale([width])
  output y
  train {
    target wanted: f32[B, width]
    loss (y, wanted) -> mean_squared_error
    optimizer sgd(lr: 0.1)
  }
}
`;

const weights = writeSafetensors(new Map([["gain", toStored(hostTensor("f32", [3], [1, 2, 3]))]]));
const config = { model_type: "scaled", hidden_size: 3, dtype: "float32" };

inFolder({
  "scaled.lmg": model,
  "good/config.json": JSON.stringify(config),
  "good/model.safetensors": weights,
  "window/config.json": JSON.stringify({ ...config, window: 4 }),
  "window/model.safetensors": weights,
  "infinite/config.json": `{"hidden_size": 3, "limit": [0.0, Infinity], "dtype": NaN}`,
  "other/config.json": JSON.stringify({ ...config, model_type: "llama" }),
});

const refusal =
  "scaled.lmg:2:3: error[E546]: window/config.json: `scaled` does not read `window` (4)\n" +
  '  2 |   config for "scaled" { width = hidden_size }\n' +
  "    |   ^^^^^^ no line reads this\n" +
  "  help: it may change what the checkpoint computes: read it in the config section, say `neutral window` there, or pass over it with `--ignore-config window`";

/** Every command that reads a config, from `--config` or from the folder of the weights. */
const commands: readonly (readonly string[])[] = [
  ...["check", "ir", "edges", "plan", "stats", "compile", "fit"].map((name) => [
    name,
    "scaled.lmg",
    "--config",
  ]),
  ["ir", "scaled.lmg", "--train", "--config"],
  ["probe", "scaled.lmg", "--config"],
  ["run", "scaled.lmg", "--random", "0", "--config"],
  ["run", "scaled.lmg", "--weights"],
  ["compare", "scaled.lmg", "--targets", "ts", "--weights"],
  ["bench", "scaled.lmg", "--config"],
  ["bench", "scaled.lmg", "--weights"],
];

describe("a config with a key that the model does not read", () => {
  test.each(commands)("is refused by %s %s %s …", async (...command) => {
    expect(await mistake(...command, "window")).toBe(refusal);
  });

  test("is read without that key if the user says so, and the output tells of it", async () => {
    const { code, text, notes } = await lmg(
      "check",
      "scaled.lmg",
      "--config",
      "window",
      "--ignore-config",
      "window",
    );
    expect(code).toBe(0);
    expect(text).toContain("x: f32[B, 3] -> y: f32[B, 3]");
    expect(notes).toContain("warning[W204]: window/config.json: `window` is 4, passed over as asked");
    const options = ["--weights", "window", "--ignore-config", "w*"];
    const compared = await lmg("compare", "scaled.lmg", "--targets", "ts", ...options);
    expect(compared.text).toContain("none above");
    expect(compared.notes).toContain("warning[W204]");
  });
});

test("a config that the model reads whole is read in silence", async () => {
  const { notes } = await lmg("check", "scaled.lmg", "--config", "good");
  expect(notes).toBe("");
});

test("Python's Infinity is named where it is not read, and no matter where it changes nothing", async () => {
  expect(await mistake("check", "scaled.lmg", "--config", "infinite")).toContain(
    "does not read `limit` ([0, Infinity])",
  );
});

test("another family is refused, with the example that is for it", async () => {
  const notes = await mistake("check", "scaled.lmg", "--config", "other");
  expect(notes).toContain('`model_type` is "llama", and this section speaks for "scaled"');
  expect(notes).toContain("examples/llama.lmg is for it");
});
