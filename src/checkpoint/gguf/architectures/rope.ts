import type { JsonObject } from "../../json.ts";
import { present, type ModelKeys } from "../keys.ts";
import { shortestDecimal } from "../metadata.ts";
import type { FileTensors } from "./architecture.ts";

/* How positions are turned, as `rope_parameters` of transformers 5. */

/** llama.cpp turns by this where the file says nothing. */
const THETA = 10_000;

/** What the frequencies of Llama 3.1 and later are divided by, one for each pair of channels. */
const FACTORS = "rope_freqs.weight";

/** The rotary positions of heads that are turned whole. */
export function rope(keys: ModelKeys, tensors: FileTensors, width: unknown): JsonObject {
  keys.expect("rope.dimension_count", width as number);
  return { rope_parameters: ropeParameters(keys, tensors, width as number) };
}

export function ropeParameters(keys: ModelKeys, tensors: FileTensors, channels: number): JsonObject {
  const rope_theta = keys.number("rope.freq_base", THETA);
  const original = keys.number("rope.scaling.original_context_length", undefined);
  const kind = keys.text("rope.scaling.type", "none");
  const factor = keys.number("rope.scaling.factor", undefined);
  if (tensors.has(FACTORS))
    return { rope_theta, ...llama3(tensors.values(FACTORS), rope_theta, channels, keys) };
  if (kind === "none") return { rope_type: "default", rope_theta };
  if (kind === "linear") return present({ rope_type: "linear", rope_theta, factor });
  if (kind !== "yarn")
    return keys.refuse(
      `the scaling of positions is \`${kind}\`; none, linear, yarn and \`${FACTORS}\` are read`,
    );
  return present({
    rope_type: "yarn",
    rope_theta,
    factor,
    original_max_position_embeddings: original,
    attention_factor: keys.number("rope.scaling.yarn_attn_factor", undefined),
    beta_fast: keys.number("rope.scaling.yarn_beta_fast", undefined),
    beta_slow: keys.number("rope.scaling.yarn_beta_slow", undefined),
  });
}

/** Heads of which a share of the channels turns. */
export function partialRope(keys: ModelKeys, tensors: FileTensors, width: number): JsonObject {
  const turned = keys.number("rope.dimension_count", width);
  const parameters = tensors.has(LONG) ? longrope(keys, tensors) : ropeParameters(keys, tensors, turned);
  return { rope_parameters: { ...parameters, partial_rotary_factor: turned / width } };
}

/** What longrope divides frequencies by, in long texts and in short ones. */
const [LONG, SHORT] = ["rope_factors_long.weight", "rope_factors_short.weight"];

function longrope(keys: ModelKeys, tensors: FileTensors): JsonObject {
  const original = keys.required("rope.scaling.original_context_length");
  const stretch = keys.required("context_length") / original;
  const usual = stretch > 1 ? Math.sqrt(1 + Math.log(stretch) / Math.log(original)) : 1;
  const attention = keys.number("rope.scaling.attn_factor", usual);
  return {
    rope_type: "longrope",
    rope_theta: keys.number("rope.freq_base", THETA),
    long_factor: Array.from(tensors.values(LONG), shortestDecimal),
    short_factor: Array.from(tensors.values(SHORT), shortestDecimal),
    original_max_position_embeddings: original,
    // What follows from the lengths is left to them: the file has it in float32.
    ...(Math.abs(attention - usual) < 1e-6 ? {} : { attention_factor: attention }),
  };
}

/** What configs are read of, and no parameter is. */
export const rotaryTensors: readonly string[] = [FACTORS, LONG, SHORT];

/**
 * The parameters of `llama3` from the factors that the converter made of them. Between the short waves, whose factor is 1, and
 * the long ones, whose factor is the whole one F, a wave of λ positions has
 *
 *     1 / factor = (1 - s) / F + s,   s = (original / λ - low) / (high - low)
 *
 * which is a line in 1 / λ: two waves give it. What multiplies original, low and high alike changes nothing; low is 1 in all
 * that is published, and so it is here.
 */
function llama3(factors: Float32Array, theta: number, channels: number, keys: ModelKeys): JsonObject {
  const factor = factors.reduce((most, one) => Math.max(most, one), 1);
  const waves = Array.from(factors, (_, pair) => 2 * Math.PI * theta ** ((2 * pair) / channels));
  const between = waves.flatMap((wave, pair) => {
    const one = factors[pair]!;
    return one > 1 && one < factor ? [{ x: 1 / wave, s: (1 / one - 1 / factor) / (1 - 1 / factor) }] : [];
  });
  const [first, last] = [between[0], between.at(-1)];
  if (first === undefined || last === undefined || first === last)
    return keys.refuse(
      `\`${FACTORS}\` has too few factors between 1 and ${factor} to tell what they were made of`,
    );
  const slope = (last.s - first.s) / (last.x - first.x);
  const low_freq_factor = 1;
  const high_freq_factor = rounded(low_freq_factor + 1 / (slope * first.x - first.s), 1e3);
  const original = rounded(slope * (high_freq_factor - low_freq_factor), 1);
  const found = { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings: original };
  const isFound = factors.every((given, pair) => {
    const share = (original / waves[pair]! - low_freq_factor) / (high_freq_factor - low_freq_factor);
    const s = Math.min(1, Math.max(0, share));
    return Math.abs(given * ((1 - s) / factor + s) - 1) < FACTOR_ERROR;
  });
  return isFound
    ? { rope_type: "llama3", ...found }
    : keys.refuse(`the factors of \`${FACTORS}\` are not those of Llama 3, which are read`);
}

/** The converter computes the factors in float32. */
const FACTOR_ERROR = 1e-5;

const rounded = (value: number, steps: number): number => Math.round(value * steps) / steps;
