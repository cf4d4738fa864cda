import type { Initializer, Value } from "../../ir/graph.ts";
import { isStack } from "../../ir/stacks.ts";
import { Mismatch } from "../../ops/define.ts";
import type { OpName } from "../../ops/table.ts";
import { InternalError } from "../../support/invariant.ts";
import type { Span } from "../../support/source.ts";
import { checkShape, constantDim, dim, DimTooLarge, type Dim } from "../../tensor/dim.ts";
import { sameShape, showShape, tensorType } from "../../tensor/type.ts";
import type { Place } from "../frame/builder.ts";
import type { Flow, Frame } from "../frame/context.ts";
import * as errors from "../errors/shapes.ts";
import * as sizeErrors from "../errors/sizes.ts";
import * as labelErrors from "../errors/labels.ts";
import { toInitializer } from "../values/initializers.ts";
import type { AnyLayerRecord, OwnOptions, Site } from "../layers/define.ts";
import { layerRecords } from "../layers/table.ts";
import { nameOf, tensor, type Instance, type Meaning } from "../values/meaning.ts";
import { readStream } from "../statements/stream.ts";
import { toTensor } from "../values/tensors.ts";

/** Ends the building of one layer; what is wrong has been reported. Never leaves this file. */
class Stop extends Error {}

/** Applies a layer of the table. */
export function applyOp(
  owner: Instance,
  unlabelled: boolean,
  span: Span,
  flow: Flow,
  frame: Frame,
): Meaning | undefined {
  const name = nameOf(owner.layer);
  const record = layerRecords[name]!;
  const operands = gatherOperands(name, record, flow, span, frame);
  if (operands === undefined) return undefined;
  const { diagnostics } = frame.context;
  const site = new LayerSite(owner, unlabelled, span, frame);
  try {
    const result = record.build(site, operands, readArguments(owner, record, name, frame));
    return Array.isArray(result)
      ? { kind: "tuple", items: (result as readonly Value[]).map(tensor) }
      : tensor(result as Value);
  } catch (error) {
    if (error instanceof Stop) return undefined;
    if (!(error instanceof DimTooLarge)) throw error;
    diagnostics.add(sizeErrors.tooLarge(span, `a size of \`${name}\``, error), frame.calls);
    return undefined;
  }
}

/** What was given, else what a `default` line says, else the record's own default. An `init: none` gives nothing. */
function readArguments(
  owner: Instance,
  record: AnyLayerRecord,
  name: string,
  frame: Frame,
): Record<string, unknown> {
  const defaults = frame.context.defaults.get(name);
  const args: Record<string, unknown> = {};
  for (const [parameter, { kind, fallback, read }] of Object.entries(record.parameters)) {
    const given = owner.layer.given.get(parameter);
    const isLeft = given === undefined || (kind.name === "init" && given.meaning.kind === "none");
    const meaning = (isLeft ? defaults?.get(parameter) : given)?.meaning ?? fallback;
    if (meaning === undefined) throw new InternalError(`${name} lacks ${parameter}`);
    args[parameter] = read(meaning);
  }
  return args;
}

/** The values that flow in, as many as the record takes. */
function gatherOperands(
  name: string,
  record: AnyLayerRecord,
  flow: Flow,
  span: Span,
  frame: Frame,
): readonly Value[] | undefined {
  const { diagnostics } = frame.context;
  if (record.operands.length === 0) {
    if (flow === "stream") return [];
    if (flow !== undefined) diagnostics.add(errors.sourceAfterArrow(span, name), frame.calls);
    return undefined;
  }
  const meaning = flow === "stream" ? streamMeaning(frame, span) : flow;
  if (meaning === undefined) return undefined;
  const given = meaning.kind === "tuple" ? meaning.items : [meaning];
  const items = given.filter((item) => item.kind !== "none");
  const many = record.operands[0]!.endsWith("*");
  const least = many ? 1 : record.operands.filter((operand) => !operand.endsWith("?")).length;
  if (items.length < least || (!many && items.length > record.operands.length)) {
    diagnostics.add(errors.operandCount(span, name, record.operands, items.length), frame.calls);
    return undefined;
  }
  const values = items.map((item) => toTensor(item, span, frame, dtypeAmong(items)));
  return values.every((value) => value !== undefined) ? values : undefined;
}

const dtypeAmong = (items: readonly Meaning[]) =>
  items.find((item) => item.kind === "tensor")?.value.type.dtype;

function streamMeaning(frame: Frame, span: Span): Meaning | undefined {
  const value = readStream(frame, span);
  return value === undefined ? undefined : tensor(value);
}

/** The place where a layer of the table stands, as its record sees it. */
class LayerSite implements Site {
  readonly training: boolean;
  readonly wholeAttention: Site["wholeAttention"];
  readonly #owner: Instance;
  readonly #unlabelled: boolean;
  readonly #frame: Frame;
  readonly #place: Place;

  constructor(owner: Instance, unlabelled: boolean, span: Span, frame: Frame) {
    this.training = frame.context.training;
    this.wholeAttention = frame.context.wholeAttention;
    this.#owner = owner;
    this.#unlabelled = unlabelled;
    this.#frame = frame;
    this.#place = { span, calls: frame.calls, label: owner.label };
  }

  emit: Site["emit"] = (op, operands, attrs) => this.emitAll(op, operands, attrs)[0]!;

  emitAll: Site["emitAll"] = (op, operands, attrs) => {
    const node = this.#frame.context.builder.emit(op, operands, attrs, this.#place);
    if (!(node instanceof Mismatch)) return node.results;
    const blamed = (operands as Readonly<Record<string, unknown>>)[node.blamed];
    const isArgument = Object.hasOwn(layerRecords[nameOf(this.#owner.layer)]!.parameters, node.blamed);
    const message = isArgument ? `\`${node.blamed}\`: ${node.message}` : node.message;
    return this.#stop(op, message, isValue(blamed) ? blamed : undefined);
  };

  own(suffix: string, sizes: readonly (Dim | number)[], options: OwnOptions): Value {
    const shape = sizes.map((size) => (typeof size === "number" ? dim(size) : size));
    checkShape(shape);
    const name = [this.#owner.label, suffix].filter((part) => part !== "").join(".");
    const unknown = shape.find((size) => constantDim(size) === undefined);
    if (unknown !== undefined) this.fail(`a parameter of shape ${showShape(shape)} depends on the run`);
    const value = this.#find(name, shape) ?? this.#make(name, shape, options);
    this.#owner.owned.set(suffix, value);
    return value;
  }

  stream(): Value {
    const value = readStream(this.#frame, this.#place.span);
    if (value === undefined) throw new Stop();
    return value;
  }

  filledWith(value: Value): number | undefined {
    return this.#frame.context.builder.filledWith(value);
  }

  fail(message: string, blamed?: Value): never {
    return this.#stop(undefined, message, blamed);
  }

  warn(message: string): void {
    this.#frame.context.diagnostics.add(errors.layerRemark(this.#place.span, message), this.#frame.calls);
  }

  #stop(op: OpName | undefined, message: string, blamed: Value | undefined): never {
    const { context, calls } = this.#frame;
    const made = blamed === undefined ? undefined : context.builder.madeAt(blamed);
    const name = nameOf(this.#owner.layer);
    context.diagnostics.add(
      errors.layerDoesNotFit(this.#place.span, name, op, message, blamed?.type, made),
      calls,
    );
    throw new Stop();
  }

  /** The parameter, if a layer is run once more. */
  #find(name: string, shape: readonly Dim[]): Value | undefined {
    const { context, calls } = this.#frame;
    const found = context.builder.findParameter(name);
    if (found === undefined) return undefined;
    const { parameter, index } = found;
    const isReplay =
      parameter.name === name && context.replays.some(({ first, end }) => first <= index && index < end);
    if (isReplay && sameShape(parameter.value.type.shape, shape)) return parameter.value;
    context.diagnostics.add(
      isReplay
        ? labelErrors.sharedShapeDiffers(this.#place.span, parameter, shape)
        : labelErrors.parameterTwice(this.#place.span, parameter),
      calls,
    );
    throw new Stop();
  }

  #make(name: string, shape: readonly Dim[], options: OwnOptions): Value {
    const { context } = this.#frame;
    const init = toInitializer(options.init, options.fanIn ?? 1, options.fanOut ?? 1);
    if (shape.some((size) => constantDim(size)! < 1))
      this.fail(`a parameter cannot have the shape ${showShape(shape)}`);
    const parts = isStack(name) ? constantDim(shape[0]!)! : 1;
    this.#checkInit(init, isStack(name) ? shape.slice(1) : shape);
    if (name === "") this.fail("a parameter needs a label");
    if (this.#unlabelled) context.unlabelled.set(name, this.#place.span);
    const type = tensorType("f32", ...shape);
    // Each part of a stack begins as it would alone.
    const all =
      init.kind === "values"
        ? { ...init, values: Array.from({ length: parts }, () => init.values).flat() }
        : init;
    const value = context.builder.addParameter(name, type, all, options.trainable ?? true, this.#place.span);
    context.observe?.(this.#place.span, { kind: "parameter", name, value });
    return value;
  }

  #checkInit(init: Initializer, shape: readonly Dim[]): void {
    const count = shape.reduce((product, size) => product * constantDim(size)!, 1);
    if (init.kind === "values" && init.values.length !== count)
      this.fail(`${init.values.length} numbers do not fill ${showShape(shape)}`);
    if (init.kind === "orthogonal" && shape.length < 2)
      this.fail(`\`orthogonal\` begins matrices, not a parameter of shape ${showShape(shape)}`);
    if (init.kind === "eye" && shape.length !== 2)
      this.fail(`\`eye\` begins a matrix, not a parameter of shape ${showShape(shape)}`);
    if (init.kind === "unit" && init.index >= count)
      this.fail(
        `\`unit(${init.index})\` is 1 at element ${init.index}, and the last of ${showShape(shape)} is ${count - 1}`,
      );
  }
}

const isValue = (operand: unknown): operand is Value =>
  typeof operand === "object" && operand !== null && "type" in operand;
