import type { Value } from "../../ir/graph.ts";
import { constantDim } from "../../tensor/dim.ts";
import type { Backward } from "../backward.ts";
import { orthogonal, matrixScale } from "./muon.ts";
import type { Betas, Optimizer } from "./optimizer.ts";

/** What an update reads: the parameter, its gradient, its state, and the scalars of the step. */
export interface UpdateSite {
  readonly b: Backward;
  readonly value: Value;
  readonly grad: Value;
  readonly slots: readonly Value[];
  /** The share of it that decay takes in a step of rate 1; 0 where no decay reaches it. */
  readonly decay: number;
  /** What Adam adds to the root of its second moment. */
  readonly eps: number;
  /** Whether Muon treats it as a matrix. */
  readonly isMatrix: boolean;
  readonly scalars: StepScalars;
}

export interface StepScalars {
  readonly rate: Value;
  readonly first: Value | undefined;
  readonly second: Value | undefined;
}

export interface Updated {
  readonly value: Value;
  readonly slots: readonly Value[];
}

/** The names of the tensors, each of the parameter's shape and zero at first, that an optimizer keeps for a parameter. */
export function slotNames(optimizer: Optimizer, isMatrix: boolean): readonly string[] {
  switch (optimizer.name) {
    case "sgd":
      return optimizer.momentum === 0 ? [] : ["momentum"];
    case "adam":
    case "adamw":
      return ["first_moment", "second_moment"];
    case "lion":
      return ["momentum"];
    case "muon":
      return isMatrix ? ["momentum"] : ["first_moment", "second_moment"];
  }
}

/** The nodes that make a parameter's next value and state. */
export function update(optimizer: Optimizer, site: UpdateSite): Updated {
  switch (optimizer.name) {
    case "sgd":
      return sgd(optimizer, site);
    case "adam":
      return adam(optimizer.betas, { ...withPenalty(site), decay: 0 });
    case "adamw":
      return adam(optimizer.betas, site);
    case "lion":
      return lion(optimizer, site);
    case "muon":
      return site.isMatrix ? muon(optimizer, site) : adam([0.9, 0.95], site);
  }
}

/** decay · x + (1 - decay) · y. */
const blend = ({ b }: UpdateSite, decay: number, x: Value, y: Value): Value =>
  b.add(b.mul(x, decay), b.mul(y, 1 - decay));

/** L2 regularization: the gradient of decay / 2 · |w|² added to that of the loss. */
const withPenalty = (site: UpdateSite): UpdateSite =>
  site.decay === 0 ? site : { ...site, grad: site.b.add(site.grad, site.b.mul(site.value, site.decay)) };

/** Decoupled weight decay (Loshchilov and Hutter 2019): w · (1 - rate · decay). */
function decayed({ b, value, decay, scalars }: UpdateSite): Value {
  if (decay === 0) return value;
  return b.mul(value, b.sub(1, b.mul(scalars.rate, decay)));
}

const moved = ({ b, scalars }: UpdateSite, from: Value, direction: Value): Value =>
  b.sub(from, b.mul(direction, scalars.rate));

/** v ← momentum · v + g; w ← w - rate · v, or with Nesterov rate · (g + momentum · v), as torch.optim.SGD. */
function sgd(
  { momentum, nesterov }: Extract<Optimizer, { readonly name: "sgd" }>,
  given: UpdateSite,
): Updated {
  const site = withPenalty(given);
  const { b, value, grad, slots } = site;
  const [velocity] = slots;
  if (velocity === undefined) return { value: moved(site, value, grad), slots: [] };
  const next = b.add(b.mul(velocity, momentum), grad);
  const direction = nesterov ? b.add(grad, b.mul(next, momentum)) : next;
  return { value: moved(site, value, direction), slots: [next] };
}

/** m / (1 - β₁ᵗ) / (√v / √(1 - β₂ᵗ) + eps), the moments corrected for beginning at zero, as torch.optim.Adam. */
function adam(betas: Betas, site: UpdateSite): Updated {
  const { b, grad, eps, scalars } = site;
  const [m, v] = site.slots as readonly [Value, Value];
  const first = blend(site, betas[0], m, grad);
  const second = blend(site, betas[1], v, b.square(grad));
  const scale = b.add(b.div(b.unary("sqrt", second), scalars.second!), eps);
  const direction = b.div(b.div(first, scalars.first!), scale);
  return { value: moved(site, decayed(site), direction), slots: [first, second] };
}

/** The sign of β₁ m + (1 - β₁) g; then m ← β₂ m + (1 - β₂) g (Chen et al. 2023, algorithm 2). */
function lion({ betas }: Extract<Optimizer, { readonly name: "lion" }>, site: UpdateSite): Updated {
  const { b, grad } = site;
  const [m] = site.slots as readonly [Value];
  const blended = blend(site, betas[0], m, grad);
  const negative = b.where(b.binary("lt", blended, 0), b.full(blended.type.dtype, [], -1), 0);
  const sign = b.where(b.binary("gt", blended, 0), 1, negative);
  return { value: moved(site, decayed(site), sign), slots: [blend(site, betas[1], m, grad)] };
}

/** The momentum made orthogonal (Jordan et al. 2024), as long as AdamW's step would be (Liu et al. 2025, eq. 4). */
function muon(
  { momentum, nesterov, steps }: Extract<Optimizer, { readonly name: "muon" }>,
  site: UpdateSite,
): Updated {
  const { b, value, grad } = site;
  const [buffer] = site.slots as readonly [Value];
  const next = blend(site, momentum, buffer, grad);
  const direction = orthogonal(b, nesterov ? blend(site, momentum, next, grad) : next, steps);
  const [rows, columns] = value.type.shape.slice(-2).map((size) => constantDim(size)!) as [number, number];
  const scaled = b.mul(direction, matrixScale(rows, columns));
  return { value: moved(site, decayed(site), scaled), slots: [next] };
}
