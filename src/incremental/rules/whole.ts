import type { CoreNode } from "../facts/along.ts";
import type { Forms } from "../forms.ts";
import type { Form } from "../letters.ts";
import { again, needsAlong, type Recipe } from "./rule.ts";

/**
 * A value that no token reaches, from all rows of an axis, of which those of the letter are cut: it is made anew each run,
 * so nothing is kept.
 */
export function wholeThenCut(
  node: CoreNode,
  form: Form,
  forms: Forms,
  axis: number,
  whole: Recipe = again(node, needsAlong(node, form.with(axis, "K"), forms)),
): Recipe {
  const letter = form[axis]!;
  if (letter === "K") return whole;
  const result = node.results[0]!;
  const size = forms.sizes.sizeOf(forms.runOf(result, axis)!, letter);
  return {
    needs: whole.needs,
    make: (made, build) => whole.make(made, build).map((value) => build.cut(value, axis, letter, size)),
  };
}
