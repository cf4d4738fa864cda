import type { Chain } from "../../language/ast/expressions.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/train.ts";
import { tellName } from "../names/references.ts";
import { augmentations, readChoice } from "./choices.ts";

/** How the rows of an input are changed at random while training, so that no two epochs show the same ones. */
export interface Augmentation {
  readonly input: string;
  readonly name: "shift";
  /** An image moves by up to so many pixels, up or down and to either side. */
  readonly pixels: number;
}

/** `image -> shift(1)`: an input of the model and one way to change it; `inputs` are the names of all of them. */
export function readAugmentation(
  chain: Chain,
  inputs: readonly string[],
  before: readonly Augmentation[],
  frame: Frame,
): Augmentation | undefined {
  const { diagnostics } = frame.context;
  const { head, steps } = chain;
  const [step] = steps;
  if (head.kind !== "call" || step === undefined || steps.length > 1 || step.layer.label !== undefined) {
    diagnostics.add(errors.augmentationExpected(chain.span));
    return undefined;
  }
  const input = head.path.root.text;
  if (!inputs.includes(input) || head.path.parts.length > 0 || head.arguments !== undefined)
    diagnostics.add(errors.augmentsNoInput(head.span, input, inputs));
  else if (before.some((other) => other.input === input))
    diagnostics.add(errors.augmentedTwice(head.span, input));
  const binding = frame.scope.find(input);
  if (binding !== undefined) tellName(head.path.root, binding, frame);
  const { call, span } = step.layer;
  const choice = readChoice(
    "augmentation",
    augmentations,
    { span, head: call, headTap: undefined, steps: [] },
    frame,
  );
  return choice && { input, name: "shift", pixels: choice.options["pixels"] as number };
}
