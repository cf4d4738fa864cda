import { PICKED } from "../../../incremental/picks.ts";
import type { PlanPart, ProgramPlan } from "../../../plan/plan.ts";
import { invariant } from "../../../support/invariant.ts";
import type { Code } from "../../../support/text.ts";
import { partFunction } from "../../module/host/inputs.ts";
import { partFixedDims, partNames, saidDims } from "../../module/surface.ts";
import { literal } from "../../module/text.ts";
import { memoryName, type Dispatches } from "../dispatches.ts";

/* What tells of logits where they lie: parts that are run after those of a session, in the same submission. */

/** The line of a part that says which memory it shares with others, if it does. */
export function linkLine({ program, buffers }: Dispatches, part: PlanPart): string[] {
  const { sessions } = program;
  if (sessions?.picks === undefined || partNames(program, part).run === "run") return [];
  const memoryOf = (list: readonly { readonly name: string; readonly buffer: number }[], name: string) =>
    list.filter((each) => each.name === name).map(({ buffer }) => literal(memoryName(buffers[buffer]!)));
  const [logits] = [...memoryOf(part.linked ?? [], PICKED), ...memoryOf(part.outputs, sessions.logits!)];
  if (logits === undefined) return [];
  const isPick = part.linked !== undefined;
  const [token] = isPick ? memoryOf(part.outputs, "id") : memoryOf(part.inputs, sessions.tokens!);
  return [`links: { logits: ${logits}${token === undefined ? "" : `, token: ${token}`} },`];
}

/** Whether sessions of a program tell of logits where they lie. */
export const hasPicks = ({ sessions }: ProgramPlan): boolean => sessions?.picks !== undefined;

/** How many logits there are, as a constant of the module. */
export const pickConstants = ({ sessions }: ProgramPlan): Code[] =>
  sessions?.picks === undefined
    ? []
    : [
        "/** How many logits a token is drawn from, and their bytes on the device. */",
        `const LOGITS = ${sessions.picks.size};`,
        "const LOGIT_BYTES = Math.ceil((LOGITS * PAIR_BYTES) / 8) * 4;",
      ];

/** The member of a session's state that tells of its logits. */
export function picksMember(program: ProgramPlan): Code[] {
  const { sessions } = program;
  if (sessions?.picks === undefined) return [];
  const partOf = (name: string): PlanPart => {
    const found = program.parts.find((part) => part.name === name);
    invariant(found !== undefined, `a program that tells of logits has no part ${name}`);
    return found;
  };
  const bind = (name: string, inputs: string, said: string): string => {
    const part = partOf(name);
    const given = [
      `${inputs}« as never»`,
      ...(saidDims(program, part).length > 0 ? [`${said}« as never»`] : []),
      ...(partFixedDims(program, part).length > 0 ? ["fixed"] : []),
    ];
    return `${partFunction(program, part, "bindDims")}(${given.join(", ")})`;
  };
  const sizes = partOf("top").symbols.map(
    ({ name }) => `${name}: ${bind("top", "pick.inputs", "{}")}.${name}`,
  );
  const shape = sessions.inputs.find(({ name }) => name === sessions.tokens)!.axes.map(() => 1);
  const next = `{ ${literal(sessions.tokens!)}: { data: [0], shape: [${shape.join(", ")}] } }`;
  return [
    "picks: {",
    [
      "run: (part, inputs, said, pick) =>",
      [
        "runner.pick({ first: parts[part], second: parts[pick.part], inputs, given: pick.inputs, follows: false }, () => ({",
        [
          `...(part === "step" ? ${bind("step", "inputs", "said")} : ${bind("append", "inputs", "said")}),`,
          `...(pick.part === "top" ? { ${sizes.join(", ")} } : {}),`,
        ],
        "})),",
      ],
      "follow: (said) => {",
      [
        `const inputs = ${next};`,
        `return runner.pick({ first: parts.step, second: parts.best, inputs, given: {}, follows: true }, () => ${bind("step", "inputs", "said")});`,
      ],
      "},",
      "logits: () => runner.logits(),",
    ],
    "},",
  ];
}
