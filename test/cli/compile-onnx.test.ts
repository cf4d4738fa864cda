import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createSession, Tensor, type OnnxSession, type OnnxTensor } from "../export/onnx/runtime.ts";
import { mistake, output } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "lmg-compile-onnx-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const whale = ["examples/llama.lmg", "--weights", "examples/weights/whale"];
const onnx = (name: string, ...args: string[]) => [
  "compile",
  ...args,
  "--target",
  "onnx",
  "-o",
  join(folder, name),
];
const weights = statSync("examples/weights/whale/model.safetensors");

test("the weights are not copied: the model's folder has a second name for their file", async () => {
  const said = await output(...onnx("plain", ...whale));
  expect(said).toMatch(
    /^wrote .*plain\/model\.onnx \([\d.]+ kB\)\nlinked .*plain\/model\.safetensors: no byte is copied\n$/,
  );
  expect(statSync(join(folder, "plain/model.safetensors")).ino).toBe(weights.ino);
  const json = JSON.parse(await output(...onnx("plain", ...whale, "--json"))) as { files: object[] };
  expect(json.files[1]).toEqual({ path: join(folder, "plain/model.safetensors"), bytes: 0, isLink: true });
  writeFileSync(join(folder, "plain/other"), "");
  rmSync(join(folder, "plain/model.safetensors"));
  writeFileSync(join(folder, "plain/model.safetensors"), "weights of my own");
  expect(await mistake(...onnx("plain", ...whale))).toMatch(
    /^error\[E700\]: cannot write .*model\.safetensors`: another file has this name\n {2}help: weights are not copied: write the model beside them, with -o .*whale/,
  );
});

test("a folder for transformers.js writes greedily what lmg writes", async () => {
  await output(...onnx("texts", ...whale, "--generate"));
  expect(readdirSync(join(folder, "texts")).sort()).toEqual([
    ...["config.json", "generation_config.json", "onnx", "tokenizer.json", "tokenizer_config.json"],
  ]);
  const config = JSON.parse(readFileSync(join(folder, "texts/config.json"), "utf8")) as Record<
    string,
    unknown
  >;
  expect(config).toMatchObject({
    model_type: "llama",
    "transformers.js_config": { dtype: "fp32", use_external_data_format: { "model.onnx": 1 } },
  });
  const data = readFileSync(join(folder, "texts/onnx/model.onnx_data"));
  const session = await createSession(readFileSync(join(folder, "texts/onnx/model.onnx")), {
    externalData: [{ path: "model.onnx_data", data }],
  });
  // A token of this model is a character.
  const { model } = JSON.parse(readFileSync(join(folder, "texts/tokenizer.json"), "utf8")) as {
    model: { vocab: Readonly<Record<string, number>> };
  };
  const characters = new Map(Object.entries(model.vocab).map(([character, id]) => [id, character]));
  const prompt = "Call me Ishmael";
  const ids = await greedy(
    session,
    Array.from(prompt, (character) => model.vocab[character]!),
    20,
  );
  const text = prompt + ids.map((id) => characters.get(id)).join("");
  // As `lmg generate` writes it with --temperature 0, and transformers.js of this folder.
  expect(text).toBe("Call me Ishmael, the same that the sea was the same of ".slice(0, text.length));
  await session.release();
});

/** The likeliest token of each position, the cache handed on from run to run. */
async function greedy(session: OnnxSession, prompt: readonly number[], count: number): Promise<number[]> {
  const ids = (values: readonly number[]): OnnxTensor =>
    new Tensor("int64", BigInt64Array.from(values, BigInt), [1, values.length]);
  const names = session.inputNames.filter((name) => name.startsWith("past"));
  let cache: Record<string, OnnxTensor> = Object.fromEntries(
    names.map((name) => [name, new Tensor("float32", new Float32Array(), [1, 2, 0, 32])]),
  );
  const written: number[] = [];
  let next = [...prompt];
  for (let length = prompt.length; written.length < count; length++) {
    const mask = ids(Array.from({ length }, () => 1));
    const found = await session.run({ input_ids: ids(next), attention_mask: mask, ...cache });
    const { data, dims } = found["logits"]!;
    const row = Array.from((data as Float32Array).subarray(-dims.at(-1)!));
    next = [row.indexOf(Math.max(...row))];
    written.push(...next);
    cache = Object.fromEntries(
      names.map((name) => [name, found[name.replace("past_key_values", "present")]!]),
    );
  }
  return written;
}

test("random weights are a file, and a model without any has none", async () => {
  const said = await output(
    ...onnx("random", "examples/residual_dense.lmg", "--random", "1", "--opset", "17"),
  );
  expect(said).toMatch(/model\.onnx \(.*\)\nwrote .*model\.safetensors \(.*\)\n$/);
});

test("what ONNX has not is refused", async () => {
  expect(await mistake(...onnx("none", "examples/llama.lmg"))).toContain("E817");
  expect(await mistake(...onnx("none", ...whale, "--quantize", "int8"))).toContain(
    "--quantize is nothing that --target onnx has",
  );
  expect(await mistake("compile", "examples/llama.lmg", "--opset", "17")).toContain("--opset is for ONNX");
  expect(
    await mistake(
      ...onnx(
        "none",
        "examples/bert.lmg",
        "--set",
        "depth=1",
        "--set",
        "vocab=9",
        "--random",
        "0",
        "--sessions",
      ),
    ),
  ).toMatch(
    /^examples\/bert\.lmg:\d+:35: error\[E848\]: the model has no form in ONNX with a cache[\s\S]*attention sees later positions/,
  );
  expect(
    await mistake(...onnx("none", "examples/chars.lmg", "--set", "vocab=23", "--random", "0", "--generate")),
  ).toContain("E839");
  writeFileSync(
    join(folder, "pair.lmg"),
    "model pair {\n  input a: i32[B, T]\n  input b: i32[B, T]\n  a -> wte: embedding(9, 8)\n" +
      "  stream + (b -> same(wte))\n  unembed(wte)\n  output logits: f32[B, T, 9]\n}\n",
  );
  expect(await mistake(...onnx("none", join(folder, "pair.lmg"), "--random", "0", "--sessions"))).toBe(
    "error[E813]: the model reads more than one text: `a`, `b`\n" +
      "  help: leave --sessions and --generate off: the model is written whole then",
  );
});

test("a text about another is written by two models, over the same weights", async () => {
  const t5 = "test/golden/families/t5";
  const said = await output(...onnx("t5", t5, "--sessions"));
  expect(said).toMatch(
    /^wrote .*t5\/encoder_model\.onnx .*\nwrote .*t5\/decoder_model_merged\.onnx .*\nlinked .*t5\/model\.safetensors: no byte is copied\n$/,
  );
  const published = join(folder, "published");
  cpSync(t5, published, { recursive: true });
  const vocab = Object.fromEntries(Array.from({ length: 40 }, (_, id) => [`<${id}>`, id]));
  const tokenizer = {
    version: "1.0",
    added_tokens: [],
    model: { type: "WordLevel", vocab, unk_token: "<2>" },
  };
  writeFileSync(join(published, "tokenizer.json"), JSON.stringify(tokenizer));
  await output(...onnx("t5-texts", published, "--generate"));
  expect(readdirSync(join(folder, "t5-texts/onnx")).sort()).toEqual([
    ...["decoder_model_merged.onnx", "decoder_model_merged.onnx_data"],
    ...["encoder_model.onnx", "encoder_model.onnx_data"],
  ]);
  // A page loads each of them whole: neither has what the other alone reads. Both read the table of tokens, [40, 16] of float32.
  const [one, other] = ["encoder_model", "decoder_model_merged"].map(
    (model) => statSync(join(folder, "t5-texts/onnx", `${model}.onnx_data`)).size,
  );
  const { header, all } = tensorBytes(readFileSync(join(t5, "model.safetensors")));
  const table = header["shared.weight"]!.data_offsets;
  const twice = table[1] - table[0];
  const padding = 64 * Object.keys(header).length;
  expect(one! + other!).toBeGreaterThanOrEqual(all + twice);
  expect(one! + other!).toBeLessThanOrEqual(all + twice + padding);
  expect(JSON.parse(readFileSync(join(folder, "t5-texts/config.json"), "utf8"))).toMatchObject({
    "transformers.js_config": {
      use_external_data_format: { "encoder_model.onnx": 1, "decoder_model_merged.onnx": 1 },
    },
  });
  const data = readFileSync(join(folder, "t5-texts/onnx/decoder_model_merged.onnx_data"));
  const session = await createSession(readFileSync(join(folder, "t5-texts/onnx/decoder_model_merged.onnx")), {
    externalData: [{ path: "decoder_model_merged.onnx_data", data }],
  });
  expect(session.inputNames).toContain("past_key_values.1.encoder.value");
  await session.release();
  const hidden = await Promise.all([
    encoded("t5/encoder_model.onnx", "t5/model.safetensors"),
    encoded("t5-texts/onnx/encoder_model.onnx", "t5-texts/onnx/encoder_model.onnx_data"),
  ]);
  expect(hidden[1]).toEqual(hidden[0]);
});

interface Header {
  readonly [name: string]: { readonly data_offsets: readonly [number, number] };
}

/** What a file of safetensors says of its tensors, and how many bytes they have. */
function tensorBytes(file: Uint8Array): { readonly header: Header; readonly all: number } {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + length))) as Header;
  return { header, all: file.length - 8 - length };
}

/** What an encoder in the folder makes of a text, with its weights from a file there. */
async function encoded(model: string, weights: string): Promise<OnnxTensor["data"]> {
  const data = readFileSync(join(folder, weights));
  const session = await createSession(readFileSync(join(folder, model)), {
    externalData: [{ path: weights.split("/").at(-1), data }],
  });
  const ids = new Tensor("int64", BigInt64Array.of(5n, 9n, 2n, 7n), [1, 4]);
  const mask = new Tensor("int64", BigInt64Array.of(1n, 1n, 1n, 1n), [1, 4]);
  const { last_hidden_state: found } = await session.run({ input_ids: ids, attention_mask: mask });
  await session.release();
  return found!.data;
}
