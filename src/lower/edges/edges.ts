import type { EdgeNorm, EdgeRole, Position, Value } from "../../ir/graph.ts";
import type { FromClause, ResidualStatement } from "../../language/ast.ts";
import type { Layer } from "../../language/ast/expressions.ts";
import { Mismatch } from "../../ops/define.ts";
import { spanText, type Span } from "../../support/source.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { sameShape, sameType } from "../../tensor/type.ts";
import { bindTap } from "../statements/chains.ts";
import { sortClauses, type Clauses, type PlacedNorm } from "./clauses.ts";
import type { Branch, Frame } from "../frame/context.ts";
import { scaleBranchInit } from "./init.ts";
import * as errors from "../errors/edges.ts";
import { joinLines } from "../errors/suggest.ts";
import { evaluateGain, noGain, type Gain } from "./gains.ts";
import { showMeaning, tensor, type Meaning } from "../values/meaning.ts";
import { branchLabel } from "./parallel.ts";
import { evaluateLabel } from "../names/written-label.ts";
import { readStream, setStream } from "../statements/stream.ts";
import { placeOf, toTensor } from "../values/tensors.ts";

/** An edge while it is lowered. */
interface OpenEdge {
  readonly index: number;
  readonly name: string;
  readonly frame: Frame;
  readonly norms: EdgeNorm[];
}

/** y = post(skip · s + branch · out(f(pre(x)))): one `residual` node, and nodes of their own for the norms. */
export function lowerResidual(statement: ResidualStatement, frame: Frame): void {
  const { builder } = frame.context;
  const clauses = sortClauses(statement, frame);
  const edge: OpenEdge = { ...builder.openEdge(frame.labels.prefix), frame, norms: [] };
  const outerPart = builder.part;
  builder.part = undefined;
  const x = readStream(frame, statement.span);
  if (x !== undefined && clauses.from === undefined) builder.markRead(x);
  const source =
    clauses.from === undefined ? x : inRole(edge, "skip", () => evaluateFrom(clauses.from!, frame));
  const branches = lowerBody(statement, clauses, x, edge);
  const skip = evaluateGainIn(edge, "skip", clauses, source);
  const branch = evaluateGainIn(
    edge,
    "branch",
    clauses,
    branches?.length === 1 ? branches[0]?.value : undefined,
  );
  const joined = join(statement, edge, source, branches, skip, branch);
  const y = joined === undefined ? undefined : applyNorm(edge, "post", clauses, joined);
  const closed = {
    name: edge.name,
    span: statement.span,
    scope: builder.iterations,
    source: clauses.from === undefined ? "stream" : sourceText(clauses.from),
    branches: (branches ?? []).map(({ label }) => label),
    norms: edge.norms,
    skip: skip?.shown,
    branch: branch?.shown,
  };
  builder.closeEdge(edge.index, closed);
  frame.context.observe?.(statement.span, { kind: "edge", edge: closed });
  builder.part = outerPart;
  // An edge gives what it carries: when it failed, the lines after it can still be looked at.
  const result = y ?? source;
  setStream(frame, result, statement.span);
  if (statement.tap !== undefined)
    bindTap(statement.tap, result === undefined ? undefined : tensor(result), frame);
}

const inRole = <T>(edge: OpenEdge, role: EdgeRole, run: () => T): T =>
  edge.frame.context.builder.within({ edge: edge.index, role }, run);

/** As written, on one line. */
const sourceText = ({ value }: FromClause): string => joinLines(spanText(value.span));

/** The value that the edge carries instead of the stream. */
function evaluateFrom({ value }: FromClause, frame: Frame): Value | undefined {
  const meaning = frame.context.walk.evaluate(value, frame);
  if (meaning === undefined) return undefined;
  if (meaning.kind === "tensor") return meaning.value;
  frame.context.diagnostics.add(errors.fromWhat(value.span, meaning), frame.calls);
  return undefined;
}

/** out(f(pre(x))), as the branches that are to be summed. */
function lowerBody(
  statement: ResidualStatement,
  clauses: Clauses,
  x: Value | undefined,
  edge: OpenEdge,
): readonly Branch[] | undefined {
  const { frame } = edge;
  const outer = frame.applied;
  const start = frame.context.builder.mark();
  const normed = x === undefined ? undefined : applyNorm(edge, "pre", clauses, x);
  frame.applied = [];
  setStream(frame, normed ?? x, statement.span);
  if (statement.body !== undefined) frame.context.walk.body(statement.body, frame);
  const label = branchLabel(frame.applied);
  frame.applied = [...outer, ...frame.applied];
  // A layer on the sum needs the sum; else the edge adds the branches itself.
  const needsSum = clauses.norms.out !== undefined || clauses.branch?.isLayer === true;
  if (clauses.init !== undefined) frame.context.scaledEdges.add(edge.index);
  if (frame.stream.kind === "sum" && !needsSum) {
    const { branches } = frame.stream;
    scaleBranchInit(
      clauses.init,
      branches.map(({ value }) => value),
      start,
      frame,
    );
    return branches;
  }
  const value = readStream(frame, statement.span);
  if (value !== undefined) scaleBranchInit(clauses.init, [value], start, frame);
  const out = value === undefined ? undefined : applyNorm(edge, "out", clauses, value);
  return out === undefined ? undefined : [{ value: out, span: statement.span, label }];
}

/** The norm at a position, if there is one. */
function applyNorm(edge: OpenEdge, position: Position, clauses: Clauses, x: Value): Value | undefined {
  const { frame } = edge;
  const placed = clauses.norms[position];
  if (placed === undefined) return x;
  const { layer } = placed;
  const outer = frame.applied;
  frame.applied = [];
  const result = inRole(edge, position, () => frame.context.walk.applyLayer(layer, tensor(x), frame));
  const [applied] = frame.applied;
  frame.applied = outer;
  if (result === undefined) return undefined;
  if (result.kind !== "tensor") {
    frame.context.diagnostics.add(errors.normGivesNoTensor(layer, result), frame.calls);
    return undefined;
  }
  // A parameter of kind layer may hold none: then no norm stands there, and nothing is multiplied.
  if (applied === undefined) return result.value;
  const gained = inRole(edge, position, () => applyNormGain(placed, result, frame));
  if (gained === undefined) return undefined;
  const norm = { position, kind: applied.kind, label: normLabel(layer, frame), ...gained.shown };
  edge.norms.push(norm);
  frame.context.observe?.(layer.span, { kind: "norm", edge: edge.name, norm });
  return gained.value;
}

/** The norm's result times the clause's gain; undefined if that is wrong. */
function applyNormGain(
  { layer, gain }: PlacedNorm,
  normed: Meaning & { readonly kind: "tensor" },
  frame: Frame,
): { readonly value: Value; readonly shown: Pick<EdgeNorm, "gain"> } | undefined {
  if (gain === undefined) return { value: normed.value, shown: {} };
  const factor = frame.context.walk.evaluate(gain, frame);
  if (factor === undefined) return undefined;
  if (factor.kind === "number" && factor.value === 1) return { value: normed.value, shown: {} };
  if (factor.kind !== "number" && factor.kind !== "tensor") {
    frame.context.diagnostics.add(errors.normGainOfWhat(gain, factor), frame.calls);
    return undefined;
  }
  // It is drawn, and told of, as a part of the norm.
  const y = toTensor(factor, layer.span, frame, normed.value.type.dtype);
  if (y === undefined) return undefined;
  const place = { span: layer.span, calls: frame.calls, label: normLabel(layer, frame) };
  const node = frame.context.builder.emit("mul", { x: normed.value, y }, {}, place);
  const value = node instanceof Mismatch ? undefined : node.results[0]!;
  if (value === undefined || !sameType(value.type, normed.value.type)) {
    frame.context.diagnostics.add(errors.normGainDoesNotFit(gain, normed.value.type, y.type), frame.calls);
    return undefined;
  }
  const text = factor.kind === "number" ? showMeaning(factor) : joinLines(spanText(gain.span));
  return { value, shown: { gain: { kind: factor.kind, text } } };
}

function normLabel(layer: Layer, frame: Frame): string {
  const label = evaluateLabel(layer.label, frame);
  return label === undefined || label === "wrong" ? "" : frame.labels.full(label.name);
}

function evaluateGainIn(
  edge: OpenEdge,
  role: "skip" | "branch",
  clauses: Clauses,
  gained: Value | undefined,
): Gain | undefined {
  const clause = clauses[role];
  if (clause === undefined) return noGain;
  const { frame } = edge;
  const outer = frame.applied;
  const gain = inRole(edge, role, () => evaluateGain(clause, gained, frame));
  frame.applied = outer;
  return gain;
}

function join(
  statement: ResidualStatement,
  edge: OpenEdge,
  source: Value | undefined,
  branches: readonly Branch[] | undefined,
  skip: Gain | undefined,
  branch: Gain | undefined,
): Value | undefined {
  if (source === undefined || branches === undefined || skip === undefined || branch === undefined)
    return undefined;
  const { frame } = edge;
  const { builder, diagnostics } = frame.context;
  const operands = {
    source: skip.applied ?? source,
    branches: branch.applied === undefined ? branches.map(({ value }) => value) : [branch.applied],
    source_gain: skip.tensor,
    branch_gain: branch.tensor,
  };
  const attrs = { edge: edge.index, source_scale: skip.scale, branch_scale: branch.scale };
  const node = inRole(edge, "join", () =>
    builder.emit("residual", operands, attrs, placeOf(statement.span, frame)),
  );
  const joined = node instanceof Mismatch ? undefined : node.results[0]!;
  if (joined !== undefined && sameShape(joined.type.shape, source.type.shape)) return joined;
  if (!isFloat(source.type.dtype)) {
    diagnostics.add(errors.edgeOfIntegers(statement, source.type, builder.madeAt(source)), frame.calls);
    return undefined;
  }
  const blamed = blamedBranch(branches, source);
  const message = node instanceof Mismatch ? node.message : undefined;
  const made = (value: Value): Span | undefined => builder.madeAt(value);
  diagnostics.add(errors.edgeDoesNotFit(statement, source.type, made(source), blamed, message), frame.calls);
  return undefined;
}

/** The branch whose shape is to blame: the first that differs from what the edge carries. */
const blamedBranch = (branches: readonly Branch[], source: Value): Branch | undefined =>
  branches.find(({ value }) => !sameShape(value.type.shape, source.type.shape)) ?? branches[0];
