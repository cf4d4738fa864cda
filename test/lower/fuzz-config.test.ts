import fc from "fast-check";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { verifyGraph } from "../../src/ir/verify.ts";
import type { ConfigValue } from "../../src/lower/config/file.ts";
import type { SettingValue } from "../../src/lower/config/settings.ts";
import { lowerText, programs } from "./support.ts";

const texts = ["gpt2.lmg", "llama.lmg", "gemma2.lmg"].map((name) =>
  readFileSync(new URL(name, programs), "utf8"),
);

/** The keys that the programs read, so that the values matter. */
const keys =
  "vocab_size n_positions n_embd n_head n_layer hidden_size num_hidden_layers num_attention_heads head_dim".split(
    " ",
  );
const names = "vocab dim depth heads kv_heads head_dim eps tied qk_norm kinds sliding drop".split(" ");

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.integer({ min: -3, max: 40 }),
  fc.constantFrom(1e9, 2 ** 53, 1e300, -0, 0.5),
);
const text = fc.oneof(
  value as fc.Arbitrary<SettingValue>,
  fc.string(),
  fc.constantFrom("2 * 3", "gelu(", "}", "pre", '"a"'),
);

test("any config and any settings give a model, or messages", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.constantFrom("__proto__", "rope_theta")), value),
      fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.constantFrom("constructor", "toString")), text),
      (model, config, settings) => {
        const lowered = lowerText(model, {
          config: config as Record<string, ConfigValue>,
          settings,
        });
        if (lowered.model !== undefined) expect(verifyGraph(lowered.model.graph)).toEqual([]);
        expect(lowered.model !== undefined || lowered.diagnostics.length > 0).toBe(true);
      },
    ),
    { numRuns: 300, seed: 20261 },
  );
});
