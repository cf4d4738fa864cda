import type { SessionForm } from "../../session/form.ts";
import type { ProgramPlan } from "../../plan/plan.ts";
import type { Code } from "../../support/text.ts";
import type { Piece } from "./piece.ts";
import { hasState, partNames } from "./surface.ts";
import { sessionRuntime } from "./runtime/sessions.generated.ts";
import { literal } from "./text.ts";

/** What a module has of sessions, if its models make some: what they are made of, and what they know of the program. */
export function sessionPiece({ sessions }: ProgramPlan): Piece {
  if (sessions === undefined) return { declares: [], code: [] };
  return {
    declares: [...sessionRuntime.declares, "sessionForm", "formWith"],
    code: [...sessionRuntime.code, "", ...formLines(sessions)],
  };
}

function formLines({ states, ...form }: SessionForm): Code[] {
  const entries = Object.entries(form).map(([key, value]) => `${key}: ${valueText(value)},`);
  return [
    "/** What sessions know of the program. */",
    "const sessionForm«: SessionForm» = {",
    [...entries, "states: [", states.map((state) => `${valueText(state)},`), "],"],
    "};",
    "",
    "/** The same with the hash of weights too. */",
    "const formWith = (samples«: ReadonlyMap<string, WeightSample>»)«: SessionForm» => ({",
    ["...sessionForm,", "hash: sessionForm.hash + hashOfWeights(samples),"],
    "});",
  ];
}

/** A value of plain data; strings are literals that no mark of types stands in. */
function valueText(value: unknown): string {
  if (typeof value === "string") return literal(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(", ")}]`;
  return `{ ${Object.entries(value)
    .map(([key, each]) => `${key}: ${valueText(each)}`)
    .join(", ")} }`;
}

/** The entries of a model that make sessions; `form` is what they know, `open` what makes a state. */
export const sessionEntries = ({ sessions }: ProgramPlan): string[] =>
  sessions === undefined
    ? []
    : [
        "session: (options) => Session.open(form, openState, options),",
        "restore: (bytes, options) => Session.restore(form, openState, bytes, options),",
      ];

/** The names of the functions that a session's parts are, as `PartsModel` has them. */
export const statefulParts = (program: ProgramPlan): readonly string[] =>
  program.parts.filter((part) => hasState(program, part)).map((part) => partNames(program, part).run);
