import type { Choice } from "../../lower/train/choices.ts";
import { InternalError } from "../../support/invariant.ts";

/** How parameters move along their gradients. The learning rate comes with each step, from the schedule. */
export type Optimizer =
  | { readonly name: "sgd"; readonly momentum: number; readonly nesterov: boolean; readonly decay: number }
  | { readonly name: "adam" | "adamw"; readonly betas: Betas; readonly eps: number; readonly decay: number }
  | { readonly name: "lion"; readonly betas: Betas; readonly decay: number }
  | {
      readonly name: "muon";
      readonly momentum: number;
      readonly nesterov: boolean;
      /** Of Newton and Schulz. */
      readonly steps: number;
      readonly decay: number;
    };

export type Betas = readonly [number, number];

/** The optimizer that a `train` section chose; its options were checked there. */
export function optimizerOf({ name, options }: Choice): Optimizer {
  const number = (key: string): number => options[key] as number;
  const { nesterov } = options as { readonly nesterov: boolean };
  const betas = options["betas"] as unknown as Betas;
  const decay = number("decay");
  switch (name) {
    case "sgd":
      return { name, momentum: number("momentum"), nesterov, decay };
    case "adam":
    case "adamw":
      return { name, betas, eps: number("eps"), decay };
    case "lion":
      return { name, betas, decay };
    case "muon":
      return { name, momentum: number("momentum"), nesterov, steps: number("steps"), decay };
    default:
      throw new InternalError(`there is no optimizer ${name}`);
  }
}

/** What AdamW adds where Muon leaves a parameter to it. */
const MUON_EPS = 1e-8;

/** What is added to the root of the second moment; of an optimizer without one of no meaning. */
export const epsOf = (optimizer: Optimizer): number => ("eps" in optimizer ? optimizer.eps : MUON_EPS);

/** The decay rates of the moments of Adam, which Muon too uses for all but the matrices. */
export const betasOf = (optimizer: Optimizer): Betas | undefined =>
  optimizer.name === "adam" || optimizer.name === "adamw"
    ? optimizer.betas
    : optimizer.name === "muon"
      ? [0.9, 0.95]
      : undefined;

/** Inputs of a step that the host computes in float64, f32[] each. */
export const scalarInputs = {
  rate: "optimizer.learning_rate",
  first: "optimizer.first_correction",
  second: "optimizer.second_correction",
} as const;

/**
 * The scalars of one step, by input: the learning rate, and what corrects the bias of Adam's moments (Kingma and Ba 2015,
 * algorithm 1): 1 - β₁ᵗ and √(1 - β₂ᵗ). `step` counts from 0.
 */
export function stepScalars(optimizer: Optimizer, rate: number, step: number): Record<string, number> {
  const betas = betasOf(optimizer);
  if (betas === undefined) return { [scalarInputs.rate]: rate };
  return {
    [scalarInputs.rate]: rate,
    [scalarInputs.first]: 1 - betas[0] ** (step + 1),
    [scalarInputs.second]: Math.sqrt(1 - betas[1] ** (step + 1)),
  };
}
