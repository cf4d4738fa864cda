import type { GivenAttributes } from "../../ir/node.ts";
import { constantDim } from "../../tensor/dim.ts";
import type { TensorType } from "../../tensor/type.ts";
import {
  defineLayer,
  flag,
  float,
  int,
  optionalFloat,
  optionalFloats,
  optionalInt,
  word,
  type ArgumentsOf,
  type Site,
} from "./define.ts";

const parameters = {
  theta: float(10000),
  dims: int(0),
  partial_rotary_factor: float(1),
  pairs: word(["halves", "interleaved"], "halves"),
  scaling: word(
    ["default", "linear", "ntk", "dynamic", "yarn", "llama3", "longrope", "proportional"],
    "default",
  ),
  factor: optionalFloat(),
  original: optionalInt(),
  max_positions: optionalInt(),
  low_freq_factor: float(1),
  high_freq_factor: float(4),
  beta_fast: float(32),
  beta_slow: float(1),
  truncate: flag(true),
  attention_factor: optionalFloat(),
  mscale: optionalFloat(),
  mscale_all_dim: optionalFloat(),
  short_factor: optionalFloats(),
  long_factor: optionalFloats(),
} as const;

type Arguments = ArgumentsOf<typeof parameters>;

/** Rotary positions under the names that transformers gives their parameters (`modeling_rope_utils.py`, 5.24). */
export const ropeLayers = {
  rope: defineLayer({
    doc:
      "rotary positions (Su et al. 2021) of x [B, H, T, K]: the first `dims` channels (all if 0), or that share of them, turn in " +
      "pairs, as halves (i, i + dims/2) or interleaved (2i, 2i + 1); scaling stretches them as transformers' " +
      "ROPE_INIT_FUNCTIONS do, by the same names; original is original_max_position_embeddings, max_positions " +
      "max_position_embeddings. A second operand gives the positions",
    operands: ["x", "positions?"],
    parameters,
    owns: [],
    build: (site, [x, positions], args) =>
      site.emit("rope", { x: x!, positions }, attributesOf(site, x!.type, args)),
  }),
} as const;

function attributesOf(site: Site, type: TensorType, args: Arguments): GivenAttributes<"rope"> {
  refuseUnread(site, args);
  const { theta, pairs, low_freq_factor, high_freq_factor, beta_fast, beta_slow, truncate } = args;
  const dims = turnedChannels(site, type, args);
  const turn = { theta, dims, pairs };
  const { scaling } = args;
  switch (scaling) {
    case "default":
      return { ...turn, scaling: "none" };
    case "proportional":
      return { ...turn, scaling, factor: args.factor ?? 1 };
    case "linear":
    case "ntk":
      return { ...turn, scaling, factor: given(site, args, "factor") };
    case "dynamic": {
      // transformers reads max_position_embeddings here, whatever original_max_position_embeddings says.
      const original = args.max_positions ?? given(site, args, "original", "max_positions");
      return { ...turn, scaling, factor: given(site, args, "factor"), original };
    }
    case "llama3": {
      const original = originalOf(site, args);
      return {
        ...turn,
        scaling,
        factor: given(site, args, "factor"),
        original,
        low_freq_factor,
        high_freq_factor,
      };
    }
    case "yarn": {
      const original = originalOf(site, args);
      const factor = factorOf(site, args, original);
      const attention_factor = args.attention_factor ?? yarnAttention(args, factor);
      return { ...turn, scaling, factor, original, beta_fast, beta_slow, truncate, attention_factor };
    }
    case "longrope": {
      const original = originalOf(site, args);
      const short_factor = given(site, args, "short_factor");
      const long_factor = given(site, args, "long_factor");
      const attention_factor =
        args.attention_factor ?? longropeAttention(factorOf(site, args, original), original);
      return { ...turn, scaling, original, short_factor, long_factor, attention_factor };
    }
  }
}

/** The parameters without a default that each scaling reads; lengths are the model's, and may be given to any. */
const readBy: { readonly [S in Arguments["scaling"]]: readonly (keyof Arguments)[] } = {
  default: [],
  linear: ["factor"],
  ntk: ["factor"],
  dynamic: ["factor"],
  llama3: ["factor"],
  proportional: ["factor"],
  yarn: ["factor", "attention_factor", "mscale", "mscale_all_dim"],
  longrope: ["factor", "attention_factor", "short_factor", "long_factor"],
};

function refuseUnread(site: Site, args: Arguments): void {
  const reads = readBy[args.scaling];
  for (const name of new Set(Object.values(readBy).flat())) {
    const isNeutral = args[name] === undefined || (name === "factor" && args.factor === 1);
    if (isNeutral || reads.includes(name)) continue;
    const readers = Object.entries(readBy).flatMap(([scaling, names]) =>
      names.includes(name) ? [scaling] : [],
    );
    site.fail(`\`${name}\`: the scaling ${args.scaling} does not read it, only ${readers.join(", ")}`);
  }
}

/** How many channels of a head turn, 0 for all: transformers' int(head_dim · partial_rotary_factor). */
function turnedChannels(site: Site, type: TensorType, args: Arguments): number {
  const { dims, partial_rotary_factor: share, scaling } = args;
  if (share === 1) return dims;
  if (dims !== 0) site.fail("`dims` and `partial_rotary_factor` say the same: give one of them");
  const width = constantDim(type.shape.at(-1)!);
  if (width === undefined) return dims;
  // Where all channels stand in pairs it is the pairs that are counted.
  const turned = scaling === "proportional" ? 2 * Math.floor((share * width) / 2) : Math.floor(share * width);
  if (turned < 2 || turned > width || turned % 2 !== 0)
    site.fail(
      `\`partial_rotary_factor\`: ${share} of ${width} channels are ${turned}, expected an even number from 2 to ${width}`,
    );
  return turned;
}

function given<K extends keyof Arguments>(
  site: Site,
  args: Arguments,
  name: K,
  ...others: readonly (keyof Arguments)[]
): NonNullable<Arguments[K]> {
  const wanted = [name, ...others].map((each) => `\`${each}\``).join(" or ");
  return args[name] ?? site.fail(`the scaling ${args.scaling} needs ${wanted}`);
}

const originalOf = (site: Site, args: Arguments): number =>
  args.original ?? args.max_positions ?? given(site, args, "original", "max_positions");

/** The factor; where it is left off, that of the lengths. */
function factorOf(site: Site, args: Arguments, original: number): number {
  if (args.factor !== undefined || args.max_positions === undefined)
    return given(site, args, "factor", "max_positions");
  return args.max_positions / original;
}

/** YaRN's (Peng et al. 2023, eq. 22), in the form of DeepSeek if both mscales are given. */
function yarnAttention({ mscale, mscale_all_dim: all }: Arguments, factor: number): number {
  const of = (scale: number): number => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);
  // A 0 counts as left off, as there.
  const isGiven = (scale: number | undefined): scale is number => scale !== undefined && scale !== 0;
  return isGiven(mscale) && isGiven(all) ? of(mscale) / of(all) : of(1);
}

/** LongRoPE's (Ding et al. 2024). */
const longropeAttention = (factor: number, original: number): number =>
  factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
