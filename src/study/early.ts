/** Why a run ended before its last step. */
export type EarlyReason = "not finite" | "rising";

/** What each is called in tables and reports. */
export const reasonWords: Readonly<Record<EarlyReason, string>> = {
  "not finite": "the loss or the norm of the gradients is not finite",
  rising: "the smoothed loss is half a nat above the first",
};

/** The share of the steps after which a run may end for a loss that rises. */
const FROM = 0.1;
/** In nats of a cross-entropy; of any other loss, as a share of the first. */
const ABOVE = 0.5;
/** A loss enters the smoothed one by a tenth, as often as a run of some hundred steps can tell. */
const KEEP = 0.9;

/** The loss of a run so far, smoothed: each new one enters by a tenth. */
export class SmoothedLoss {
  #value: number | undefined;
  #first: number | undefined;

  add(loss: number): void {
    this.#first ??= loss;
    this.#value = this.#value === undefined ? loss : KEEP * this.#value + (1 - KEEP) * loss;
  }

  get first(): number | undefined {
    return this.#first;
  }

  get value(): number | undefined {
    return this.#value;
  }
}

/**
 * Whether a run that is not lost goes nowhere: its smoothed loss stands half a nat above the first after a tenth of the
 * steps. Never by comparison with other runs, whose curve over the rates is the result.
 */
export function isRising(
  loss: SmoothedLoss,
  {
    step,
    steps,
    isCrossEntropy,
  }: { readonly step: number; readonly steps: number; readonly isCrossEntropy: boolean },
): boolean {
  const { first, value } = loss;
  if (first === undefined || value === undefined || step <= FROM * steps) return false;
  return value > first + (isCrossEntropy ? ABOVE : ABOVE * Math.abs(first));
}
