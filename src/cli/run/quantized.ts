import type { Target } from "../../kernels/target.ts";
import type { Packing } from "../../passes/packing.ts";
import { runPasses } from "../../passes/pipeline.ts";
import { planGraph } from "../../plan/build.ts";
import { packingOf, schemes, type Scheme } from "../../quantize/packing.ts";
import { packedWeights, storedForms, storedHalves } from "../../run/packed-weights.ts";
import type { Weights } from "../../run/weights.ts";
import type { OptionSpec } from "../command.ts";
import { lazily } from "../../support/lazily.ts";
import { listWords, plural } from "../../support/text.ts";
import type { LoadedModel } from "../load.ts";
import type { Out } from "../out.ts";

/** How a command keeps the weights that it reads. */
export interface QuantizeOptions {
  readonly quantize?: Scheme;
  readonly activations?: Packing["activations"];
}

export const quantizeOption: OptionSpec = {
  flags: "--quantize <form>",
  description:
    "keep weights in memory as 8-bit or 4-bit codes (int4: linears alone, tables and heads have 8 bits), as halves (bf16, f16), or as floats (none); as the checkpoint has them if not given",
  choices: schemes,
};

export const quantizeOptions: readonly OptionSpec[] = [
  quantizeOption,
  {
    flags: "--activations <form>",
    description:
      "how products of such weights read activations: as 8-bit numbers, a scale for each 32, which is faster (int8, if not given), or as they are (f32); wasm has both, other targets read f32",
    choices: ["int8", "f32"],
  },
];

/** A model whose weights are kept as codes or halves where that is asked for or stored so. */
export interface PackedModel extends Pick<LoadedModel, "graph" | "plan"> {
  readonly weights: Weights;
  readonly packing: Packing;
  /** Parameters that stay as they are stored, though codes of more bits are asked for. */
  readonly finer: readonly string[];
}

/** Says that what a checkpoint has as codes is not made into others of more bits. */
export function noteStored({ packing, finer }: PackedModel, { quantize }: QuantizeOptions, out: Out): void {
  if (finer.length === 0 || quantize === undefined) return;
  const bits = [...new Set(finer.map((name) => packing.parameters.get(name)!.form.bits))].sort();
  out.note(
    `--quantize ${quantize} leaves ${plural(finer.length, "matrix", "matrices")} as stored, in codes of ${listWords(bits.map(String), "or")} bits: ` +
      "codes of more bits are no nearer to what these stand for\n",
  );
}

/**
 * The passes run with what is packed: what is stored as codes or halves is known once the checkpoint is open. They run when the
 * graph or the plan is asked for.
 */
export function packChosen(
  loaded: LoadedModel,
  weights: Weights,
  { quantize, activations = "int8", fuse = true }: QuantizeOptions & { readonly fuse?: boolean },
  target: Target,
): PackedModel {
  const { model } = loaded;
  const { packing, finer } = packingOf(model.graph, {
    scheme: quantize,
    activations,
    stored: storedForms(weights),
    storedHalves: storedHalves(weights),
  });
  const isPacked = packing.parameters.size + packing.halves.size > 0;
  const graph = lazily(() => (isPacked ? runPasses(model.graph, { packing, target, fuse }) : loaded.graph));
  const plan = lazily(() =>
    isPacked ? planGraph(graph(), { target, notNeeded: model.notNeeded }) : loaded.plan,
  );
  return {
    get graph() {
      return graph();
    },
    get plan() {
      return plan();
    },
    weights: packedWeights(weights, packing),
    packing,
    finer,
  };
}
