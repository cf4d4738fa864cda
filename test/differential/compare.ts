import { isFloat } from "../../src/tensor/dtype.ts";
import { planOfPart, type Plan } from "../../src/plan/plan.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { planOf, type Engine, type Found, type GraphForm, type StateEngine } from "./engines.ts";
import type { Case } from "./generate.ts";
import { expectedOf, largest, type Expected } from "./oracle.ts";
import type { StateCase } from "./states.ts";

/** What an engine may differ by: of the largest element, and times what the graph makes of a last bit. */
export interface Tolerance {
  readonly share: number;
  readonly spreads: number;
}

/** Sums are float64, and each step stores float32. */
export const typeScriptTolerance: Tolerance = { share: 1e-5, spreads: 100 };

/** Sums are float32 too, and functions of WGSL are right to a few units in the last place. */
export const webgpuTolerance: Tolerance = { share: 2e-4, spreads: 2000 };

/**
 * Three runs feed what they make to the next. A state that is read after it was written differs in the first digits, so
 * these may be wide.
 */
export const typeScriptStateTolerance: Tolerance = { share: 1e-3, spreads: 0 };

/** Sums in float32 begin three times as far off as those of TypeScript, and three runs of sin(x³) make a thousand of it. */
export const float32StateTolerance: Tolerance = { share: 5e-3, spreads: 0 };

/** Outputs that a last bit moves by more than this share say nothing. */
const MOST_SPREAD = 2e-5;

export interface Outcome {
  /** The first difference, or what went wrong otherwise. */
  readonly problem: string | undefined;
  /** Output tensors that were compared, and those whose numbers say nothing. */
  readonly compared: number;
  readonly passedOver: number;
}

/** What the interpreter makes of each run of a case. */
export const expectationsOf = ({ graph, parameters, runs }: Case): ReturnType<typeof expectedOf> =>
  expectedOf(graph, parameters, runs);

export interface CheckOptions {
  /** What the interpreter makes of each run, where it is known. */
  readonly expected?: ReturnType<typeof expectationsOf>;
  /** Sees the plan that is run. */
  readonly observe?: (plan: Plan) => void;
}

/** Runs one form of a case by an engine and compares every output of every run with the interpreter's. */
export async function check(
  given: Case,
  form: GraphForm,
  engine: Engine,
  tolerance: Tolerance,
  { expected = expectationsOf(given), observe = () => undefined }: CheckOptions = {},
): Promise<Outcome> {
  let [compared, passedOver] = [0, 0];
  try {
    const plan = planOf(given.graph, form);
    observe(plan);
    for (const inputs of given.runs) {
      const [problem] = verifyPlan(plan, sizesOf(given, inputs));
      if (problem !== undefined) return { problem: `the plan: ${problem}`, compared, passedOver };
    }
    const found = await engine(plan, given.parameters, given.runs);
    for (const [run, outputs] of found.entries())
      for (const [name, wanted] of expected[run]!) {
        if (wanted.spread > MOST_SPREAD * wanted.scale || !wanted.tensor.data.every(Number.isFinite)) {
          passedOver++;
          continue;
        }
        compared++;
        const difference = differenceOf(outputs[name], wanted, tolerance);
        if (difference !== undefined)
          return { problem: `run ${run}, ${name}: ${difference}`, compared, passedOver };
      }
    return { problem: undefined, compared, passedOver };
  } catch (error) {
    return {
      problem: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      compared,
      passedOver,
    };
  }
}

function sizesOf({ graph }: Case, inputs: Case["runs"][number]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { name, value } of graph.inputs)
    value.type.shape.forEach((size, axis) => {
      if (graph.symbols.some((symbol) => symbol.name === size.key))
        sizes.set(size.key, inputs[name]!.shape[axis]!);
    });
  return sizes;
}

function differenceOf(
  found: Found | undefined,
  { tensor, scale, spread }: Expected,
  tolerance: Tolerance,
): string | undefined {
  if (found === undefined) return "it is missing";
  if (found.shape.join() !== tensor.shape.join())
    return `it is [${found.shape.join(", ")}] instead of [${tensor.shape.join(", ")}]`;
  if (found.data.length !== tensor.data.length) return `it has ${found.data.length} elements`;
  const most = isFloat(tensor.dtype) ? tolerance.share * scale + tolerance.spreads * spread : 0;
  for (let i = 0; i < tensor.data.length; i++) {
    const [is, wanted] = [Number(found.data[i]), tensor.data[i]!];
    if (!(Math.abs(is - wanted) <= most)) return `element ${i} is ${is}, the interpreter has ${wanted}`;
  }
  return undefined;
}

/** Runs the parts of a program that share states, and compares the outputs of each run and the states at the end. */
export async function checkStates(
  given: StateCase,
  engine: StateEngine,
  tolerance: Tolerance,
): Promise<Outcome> {
  let [compared, passedOver] = [0, 0];
  let isTame = true;
  const problemOf = (
    found: Readonly<Record<string, Found>>,
    expected: StateCase["states"],
    where: string,
  ): string | undefined => {
    const all = Object.entries(expected);
    isTame &&= all.every(([, tensor]) => tensor.data.every(Number.isFinite) && largest(tensor) <= MOST_STATE);
    if (!isTame) {
      passedOver += all.length;
      return undefined;
    }
    for (const [name, tensor] of all) {
      compared++;
      const difference = differenceOf(found[name], { tensor, scale: largest(tensor), spread: 0 }, tolerance);
      if (difference !== undefined) return `${where}, ${name}: ${difference}`;
    }
    return undefined;
  };
  try {
    for (const part of given.plan.parts) {
      const [problem] = verifyPlan(planOfPart(given.plan, part), new Map());
      if (problem !== undefined)
        return { problem: `the plan of ${part.name}: ${problem}`, compared, passedOver };
    }
    const { runs, states } = await engine(given);
    for (const [index, { expected }] of given.runs.entries()) {
      const problem = problemOf(runs[index]!, expected, `run ${index}`);
      if (problem !== undefined) return { problem, compared, passedOver };
    }
    return { problem: problemOf(states, given.expectedStates, "state"), compared, passedOver };
  } catch (error) {
    return {
      problem: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      compared,
      passedOver,
    };
  }
}

/**
 * What grows from run to run beyond this is not compared, nor anything from there on: its rounding grows with it, and goes into all that comes
 * after. A gradient that is 0 but for how sums cancel was -495 by float64 where others of the step were 1e17.
 */
const MOST_STATE = 1e4;
