import type { Value } from "../ir/graph.ts";
import { printGraph } from "../ir/print.ts";
import { statesOf, type Program } from "../ir/program.ts";
import { ADDED, SO_FAR, type InputForm, type SessionForm, type StateForm } from "../session/form.ts";
import { isInteger } from "../tensor/dtype.ts";
import { hashText } from "../tensor/hash.ts";
import { symbolsOf } from "../tensor/dim.ts";
import type { Picks } from "./picks.ts";
import type { Decoding } from "./program.ts";
import type { StateRole } from "./states.ts";
import { batchOf } from "./symbols.ts";

/**
 * What sessions need to know of a decoding program, as data; `logits` is the output that tokens are drawn from, `picks` what tells of
 * it. Its hash is of the program alone.
 */
export function sessionForm(decoding: Decoding, logits?: string, picks?: Picks): SessionForm {
  const { program, dims, limit, states: roles, begins } = decoding;
  const append = program.parts["append"]!;
  const inputs = append.inputs.map(({ name, value }) => inputForm(name, value, decoding));
  const batch = batchOf(append, dims.added);
  const kept = statesOf(program);
  const fixed = new Set(
    kept.flatMap(({ value }) => value.type.shape.flatMap((size) => [...symbolsOf(size)])),
  );
  const given = append.inputs.filter(({ fill }) => fill === undefined);
  const tokens = given.length === 1 ? given.find(({ value }) => isInteger(value.type.dtype)) : undefined;
  const context = program.parts["encode"]?.inputs.map(({ name, value }) => inputForm(name, value, decoding));
  return {
    ...dims,
    ...(batch === undefined ? {} : { batch }),
    ...(limit === undefined ? {} : { limit }),
    fixed: [...fixed],
    ...(context === undefined ? {} : { context }),
    ...(begins === undefined ? {} : { begins }),
    inputs,
    ...(tokens === undefined ? {} : { tokens: tokens.name }),
    ...(logits === undefined ? {} : { logits }),
    ...(picks && { picks: { size: picks.size, top: picks.top } }),
    states: kept.map(({ name, value }) => stateForm(name, value, roles.get(name)!, batch)),
    hash: hashOf(program),
  };
}

function inputForm(name: string, { type }: Value, { dims }: Decoding): InputForm {
  const axes = type.shape.map((size) => {
    if (size.key === dims.added) return ADDED;
    return symbolsOf(size).has(dims.past) ? SO_FAR : size.key;
  });
  return { name, axes };
}

function stateForm(name: string, { type }: Value, role: StateRole, batch: string | undefined): StateForm {
  const axes = type.shape.map(({ key }) => key);
  const isRows = role.kind === "rows";
  return {
    name,
    kind: isRows || role.kind === "context" ? role.kind : "carried",
    axis: isRows ? role.axis : 0,
    lead: isRows ? role.lead : 0,
    batch: batch === undefined ? -1 : axes.indexOf(batch),
    axes,
  };
}

/** 64 bits of the graphs as they print. */
function hashOf({ parts }: Program): string {
  const text = Object.values(parts)
    .map((graph) => printGraph(graph))
    .join("\n");
  return [hashText(text, 1), hashText(text, 2)].map((half) => half.toString(16).padStart(8, "0")).join("");
}
