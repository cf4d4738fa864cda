import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import { compile } from "../../src/compile.ts";
import { importKeras, type ImportedModel } from "../../src/import/keras/import.ts";
import { readKeras } from "../../src/import/keras/read.ts";
import { format } from "../../src/language/format.ts";
import { openEngine } from "../../src/run/engines.ts";
import { interpreterEngine } from "../../src/run/interpreter-engine.ts";
import { matchWeights, safetensorsCheckpoint } from "../../src/run/weights.ts";
import { Problem } from "../../src/checkpoint/problem.ts";
import { worstOfKeras } from "./keras-goldens.ts";

/* Models that Keras 3 saved, and its own outputs (test/golden/keras_models.py). */

const imported = async (file: string): Promise<ImportedModel> => {
  const read = orThrow(await readKeras(readFileSync(`test/golden/keras/${file}`), file));
  return orThrow(importKeras(read.model, read.weights, file.replace(/\..*/, ""), file));
};

const textOf = (model: ImportedModel): string => format({ name: "imported.lmg", text: model.text }).text;

describe.each(["seed.keras", "seed.h5", "images.keras", "encoder.keras", "two_ways.keras"])("%s", (file) => {
  test.each(["interpreter", "wasm"] as const)("gives Keras' outputs in the %s", async (on) => {
    const { text, tensors } = await imported(file);
    const { model, graph, plan, diagnostics } = compile({ name: file, text });
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    const weights = orThrow(
      matchWeights(model!.graph, orThrow(safetensorsCheckpoint(writeSafetensors(tensors), file))),
    );
    const engine =
      on === "interpreter"
        ? orThrow(interpreterEngine(graph!, weights))
        : orThrow(await openEngine("wasm", plan!, weights, { threads: 1 }));
    // Keras computes in float32, its sums in an order of its own.
    expect(await worstOfKeras(file.replace(/\..*/, ""), model!.graph, engine)).toBeLessThan(1e-6);
    engine.close();
  });
});

test("the seed's program is its residual edge, with the norms where they stand, and what it was compiled with", async () => {
  const model = await imported("seed.keras");
  expect(textOf(model)).toMatchInlineSnapshot(`
    "// From the Keras model \`mnist\`
    model seed {
      input image: f32[B, 64]
      dense: linear(16) -> relu
      residual pre bn: batchnorm(eps: 1e-3, momentum: 0.01, unbiased: false),
               post bn_1: batchnorm(eps: 1e-3, momentum: 0.01, unbiased: false) {
        dense_1: linear(16) -> relu
      }
      dense_2: linear(10)
      output dense_2
      train {
        target label: i32[B]
        loss (dense_2, label) -> cross_entropy
        metric (dense_2, label) -> accuracy
        optimizer adam(lr: 0.001)
        epochs 1
      }
    }
    "
  `);
  expect(model.edges).toBe(1);
});

test("a branch of a Transformer is an edge; of a fork the shorter way is what the edge carries", async () => {
  const model = await imported("encoder.keras");
  expect(textOf(model)).toMatchInlineSnapshot(`
    "// From the Keras model \`encoder\`
    model encoder {
      input tokens: i32[B, 6]
      table: embedding(11, 8)
      residual pre norm_0: layernorm(eps: 1e-6) {
        attention_0: attention(2, causal: false)
        dropout(0.1)
      }
      residual post post_0: layernorm(eps: 1e-3) { up_0: linear(12) -> gelu; down_0: linear(8) }
      residual pre norm_1: layernorm(eps: 1e-6) { attention_1: attention(2); dropout(0.1) }
      residual post post_1: layernorm(eps: 1e-3) { up_1: linear(12) -> gelu; down_1: linear(8) }
      mean(axes: [1])
      residual from (stream -> short: linear(5, bias: false)) {
        long_0: linear(7) -> silu
        long_1: linear(5) -> tanh
      }
      output sum
    }
    "
  `);
  expect(model.edges).toBe(5);
});

test("a model of several inputs and outputs is written value by value", async () => {
  expect(textOf(await imported("two_ways.keras"))).toMatchInlineSnapshot(`
    "// From the Keras model \`two_ways\`
    model two_ways {
      input a: f32[B, 3]
      input b: f32[B, 4]
      left = a -> left: linear(5)
      both = (left, b) -> concat(-1)
      gates = both -> gates: linear(9)
      gate = gates -> sigmoid
      gated = both * gate
      head = both -> head: linear(2)
      output gated
      output head
    }
    "
  `);
});

/** A functional model of one input and these layers, one behind the other. */
const chain = (...layers: readonly (readonly [kind: string, config: object])[]): Uint8Array => {
  const all = [["InputLayer", { batch_shape: [null, 8, 8, 3] }] as const, ...layers].map(
    ([kind, config], index) => ({
      class_name: kind,
      name: `l${index}`,
      config: { name: `l${index}`, ...config },
      inbound_nodes: index === 0 ? [] : [[[`l${index - 1}`, 0, 0, {}]]],
    }),
  );
  const config = { name: "chain", layers: all, output_layers: [`l${layers.length}`, 0, 0] };
  return new TextEncoder().encode(JSON.stringify({ class_name: "Functional", config }));
};

const complaint = async (bytes: Uint8Array): Promise<string> => {
  const read = await readKeras(bytes, "model.json");
  if (read instanceof Problem) return read.message;
  const made = importKeras(read.model, read.weights, "model", "model.json");
  return made instanceof Problem ? made.message : made.text;
};

test("what lmg has no form for is listed, all at once", async () => {
  const bytes = chain(
    ["LSTM", { units: 3 }],
    ["Conv2D", { filters: 2, kernel_size: [2, 2], strides: [1, 1], padding: "same", activation: "relu" }],
    ["Dense", { units: 3, activation: "hard_sigmoid" }],
    ["BatchNormalization", { axis: 1 }],
  );
  expect(await complaint(bytes)).toBe(
    'model.json: lmg has no form for LSTM (l1), Conv2D (l2) with padding "same" with one more row on one side than on the other, ' +
      'Dense (l3) with the activation "hard_sigmoid" and BatchNormalization (l4) with an `axis` that is not the last',
  );
});

test("a file that is cut off, or is none of Keras, is told as that", async () => {
  const whole = readFileSync("test/golden/keras/seed.keras");
  expect(await complaint(whole.subarray(0, 3000))).toContain(
    "`model.json` is not whole: the list of what it holds",
  );
  for (const text of ["", "hello", "model none {}"])
    expect(await complaint(new TextEncoder().encode(text))).toContain(
      "`model.json` is no model of Keras: neither",
    );
  expect(await complaint(new TextEncoder().encode(' {"a'))).toContain("the text is not valid JSON");
});

test("a config alone gives a model, in the form of Keras 2 too", async () => {
  expect(await complaint(chain(["Flatten", {}], ["Dense", { units: 4, use_bias: false }]))).toContain(
    "flatten(1)\nl2: linear(4, bias: false)",
  );
  expect(
    await complaint(
      new TextEncoder().encode(
        '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"name": "d", "units": 2}}]}}',
      ),
    ),
  ).toContain("it was never built");
  expect(await complaint(new TextEncoder().encode('{"class_name": "MyModel", "config": {}}'))).toContain(
    "it is of class `MyModel`",
  );
});
