import type { Code } from "../../../support/text.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { stepComment, stepPlace } from "../../module/comments.ts";
import { literal } from "../../module/text.ts";
import { invariant } from "../../../support/invariant.ts";
import { SCRATCH, type Groups, type When } from "../kernel.ts";
import {
  allSteps,
  bindingName,
  type Dispatches,
  type DispatchStep,
  type NamedDispatch,
} from "../dispatches.ts";
import { byDims, dimsName, sizeText } from "../../module/host/size.ts";

/** The shaders, each once, by name. */
export const kernelTable = ({ kernels }: Dispatches): string[] => [
  "/** The shaders, each with one entry point of its name. */",
  "const kernels = {",
  ...kernels.flatMap(({ name, text }) => [
    `  ${name}: /* wgsl */ \``,
    ...text.trimEnd().replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${").split("\n"),
    "`,",
  ]),
  "}« as const»;",
  "",
  "«type KernelName = keyof typeof kernels;»",
  "",
  "/** Kernels that read run-time dims: their first binding is the block of them. */",
  `const readsDims«: ReadonlySet<string>» = new Set([${kernels
    .filter(({ kernel }) => kernel.readsDims)
    .map(({ name }) => literal(name))
    .join(", ")}]);`,
];

/** `const steps = [ … ]`, a comment and an entry a step. */
export const stepTable = (
  name: string,
  doc: string,
  list: readonly DispatchStep[],
  all: Dispatches,
): Code[] => [
  `/** ${doc} */`,
  `const ${name}«: readonly Step[]» = [`,
  list.flatMap((step) => [
    ...(step.stage === 0 ? step.steps.map(stepComment) : []),
    "{",
    [
      `place: ${literal(stepPlace(step.steps[0]))},`,
      "dispatches: [",
      step.dispatches.flatMap((dispatch) => ["{", dispatchLines(dispatch, all), "},"]),
      "],",
    ],
    "},",
  ]),
  "];",
];

function dispatchLines(dispatch: NamedDispatch, { buffers, layout }: Dispatches): string[] {
  const { kernelName, constants, bindings, groups, when, parts } = dispatch;
  const values = Object.entries(constants).map(([name, value]) => `${name}: ${value}`);
  const memory = bindings.map((binding) => literal(bindingName(buffers, binding)));
  const lines = [
    `kernel: ${literal(kernelName)},`,
    `constants: {${values.length === 0 ? "" : ` ${values.join(", ")} `}},`,
    `memory: [${memory.join(", ")}],`,
    `groups: ${groupsText(groups, parts?.along === true)},`,
  ];
  if (when !== undefined)
    lines.push(`when: ${byDims(`${sizeText(when.size)} ${boundText(when)}`, [when.size])},`);
  if (parts !== undefined) {
    const { buffer } = bindings[parts.binding]!;
    invariant(buffer !== SCRATCH, "scratch memory in parts");
    const rowBytes = parts.rowElements * layout.elementBytes(buffer);
    lines.push(`parts: { binding: ${parts.binding}, rows: ${parts.rows}, rowBytes: ${rowBytes} },`);
  }
  return lines;
}

const boundText = ({ atMost, above }: When): string => (above === undefined ? `<= ${atMost}` : `> ${above}`);

/** Whether some dispatch counts its workgroups as a list. */
export const hasLists = (all: Dispatches): boolean =>
  allSteps(all).some(({ dispatches }) => dispatches.some(({ groups }) => groups.kind === "list"));

/** The first axis of a matrix in parts walks the rows of the part. */
function groupsText(groups: Groups, byRows: boolean): string {
  if (groups.kind === "list") return byDims(`list(${sizeText(groups.count)}, ${groups.per})`, [groups.count]);
  const axes = groups.axes.map(({ count, per }, axis) => {
    const text = byRows && axis === 0 ? "rows" : sizeText(count);
    if (text === "rows") return `share(rows, ${per})`;
    const known = constantDim(count);
    if (known !== undefined) return String(Math.ceil(known / per));
    return per === 1 ? text : `share(${text}, ${per})`;
  });
  const sizes = groups.axes.flatMap(({ count }, axis) => (byRows && axis === 0 ? [] : [count]));
  const text = `[${axes.join(", ")}]`;
  return byRows ? `(${dimsName(sizes)}, rows) => ${text}` : byDims(text, sizes);
}
