import type { Graph } from "../../ir/graph.ts";
import type { Target } from "../../kernels/target.ts";
import { noPacking, type Packing } from "../../passes/packing.ts";
import { runPasses } from "../../passes/pipeline.ts";
import { planGraph } from "../../plan/build.ts";
import { programOf, type PackedParameterSource, type ProgramPlan } from "../../plan/plan.ts";
import { isHalfScheme, packingOf } from "../../quantize/packing.ts";
import { constantDim } from "../../tensor/dim.ts";
import type { OptionSpec } from "../command.ts";
import type { LoadedModel } from "../load.ts";
import { stop } from "../stop.ts";
import { quantizeOptions, type QuantizeOptions } from "../run/quantized.ts";

/** How a module keeps its weights. */
export const compileQuantizeOptions: readonly OptionSpec[] = quantizeOptions.map((option) =>
  option.flags.startsWith("--quantize")
    ? {
        ...option,
        description:
          "keep matrices as 8-bit or 4-bit codes (int4: linears alone, tables and heads have 8 bits): made of floats as weights are loaded, or taken from a file that `lmg quantize` wrote; bf16, f16: as halves, rounded where a file has more; none: as floats, also where a checkpoint has codes",
      }
    : option,
);

/** The graph of a model with the weights that are to be kept as codes or halves, and which those are. */
export interface PackedGraph {
  readonly graph: Graph;
  readonly packing: Packing;
  /** What a plan says of them; nothing if there are none. */
  readonly said: { readonly packed?: readonly PackedParameterSource[] };
}

export function packedGraph(
  { model, graph }: LoadedModel,
  { quantize, activations = "int8", fuse = true }: QuantizeOptions & { readonly fuse?: boolean },
  target: Target,
): PackedGraph {
  if (quantize === undefined || quantize === "none") return { graph, packing: noPacking, said: {} };
  const { packing } = packingOf(model.graph, { scheme: quantize, activations });
  if (isHalfScheme(quantize)) {
    if (target.halves === undefined)
      stop(
        "E821",
        `--quantize ${quantize} is for modules of the target wasm: a module of ${target.name} widens halves as it loads them`,
        "leave it off: a file of halves is read as it is",
      );
    return { graph: runPasses(model.graph, { packing, target, fuse }), packing, said: {} };
  }
  const packed = model.graph.parameters.flatMap(({ name, value }): PackedParameterSource[] => {
    const found = packing.parameters.get(name);
    const { dtype, shape } = value.type;
    return found === undefined
      ? []
      : [{ name, dtype, shape: shape.map((size) => constantDim(size)!), ...found }];
  });
  if (packed.length === 0) return { graph, packing: noPacking, said: {} };
  return { graph: runPasses(model.graph, { packing, target, fuse }), packing, said: { packed } };
}

/** The plan of a model whose weights are kept so. */
export function planPacked(
  loaded: LoadedModel,
  { graph, packing, said }: PackedGraph,
  target: Target,
): ProgramPlan {
  if (packing === noPacking) return programOf(loaded.plan);
  const program = programOf(planGraph(graph, { target, notNeeded: loaded.model.notNeeded }));
  return { ...program, shared: { ...program.shared, ...said } };
}
