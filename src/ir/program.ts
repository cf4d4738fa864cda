import { sameType, showType, type TensorType } from "../tensor/type.ts";
import type { Graph, State } from "./graph.ts";

/**
 * Several graphs over one state and one set of weights: prefill and decoding, the update and the evaluation of a training.
 * Parameters and states with one name are one tensor.
 */
export interface Program {
  readonly name: string;
  /** By name, in the order in which they are listed and emitted. */
  readonly parts: Readonly<Record<string, Graph>>;
}

/** The states of all parts, each as the first part that has it says. */
export function statesOf({ parts }: Program): readonly State[] {
  const states = new Map<string, State>();
  for (const state of Object.values(parts).flatMap((graph) => graph.states))
    if (!states.has(state.name)) states.set(state.name, state);
  return [...states.values()];
}

/** Every way in which the graphs do not fit together, as text; each of them is whole by itself. */
export const verifyProgram = (program: Program): string[] => [
  ...partsAreNamed(program),
  ...tensorsAreAlike(program),
];

/** The parts of a module are functions and give types their names, which begin with a capital letter. */
function partsAreNamed({ parts }: Program): string[] {
  const names = Object.keys(parts);
  if (names.length === 1) return [];
  const types = names.map((name) => name.charAt(0).toUpperCase() + name.slice(1));
  return names.flatMap((name, index) => {
    if (!/^[A-Za-z_]\w*$/.test(name))
      return [`the part ${JSON.stringify(name)} is called as no function may be`];
    const before = types.indexOf(types[index]!);
    return before === index
      ? []
      : [`the parts ${names[before]!} and ${name} differ in a capital letter alone`];
  });
}

/** Parameters and states with one name are of one kind and type. */
function tensorsAreAlike({ parts }: Program): string[] {
  const known = new Map<
    string,
    { readonly part: string; readonly kind: string; readonly type: TensorType }
  >();
  return Object.entries(parts).flatMap(([part, { parameters, states }]) => {
    const kept = [
      ...parameters.map(({ name, value: { type } }) => ({ name, kind: "a parameter", type })),
      ...states.map(({ name, value: { type }, kind }) => ({ name, kind: `a state of kind ${kind}`, type })),
    ];
    return kept.flatMap(({ name, kind, type }) => {
      const before = known.get(name);
      if (before === undefined) known.set(name, { part, kind, type });
      if (before === undefined || (before.kind === kind && sameType(before.type, type))) return [];
      const here = `${kind} ${showType(type)} in ${part}`;
      return [`${name} is ${here}, but ${before.kind} ${showType(before.type)} in ${before.part}`];
    });
  });
}
