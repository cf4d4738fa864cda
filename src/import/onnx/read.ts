import { decodeMessage, Malformed, type Read } from "../../checkpoint/onnx/decode.ts";
import {
  attributeTypes,
  messages,
  type AttributeProto,
  type ModelProto,
  type NodeProto,
  type ValueInfoProto,
} from "../../checkpoint/onnx/schema.ts";
import { Problem, quote } from "../../checkpoint/problem.ts";
import { listWords } from "../../support/text.ts";
import type { Attribute, OnnxInput, OnnxModel, OnnxNode } from "./model.ts";
import { dtypeOf, tensorOf, type FindFile } from "./tensors.ts";
import { Unread } from "./unread.ts";

/** The operators that are read: those of opset 13 took their axes as inputs for the first time, 26 is ONNX 1.21's. */
const OPSETS = { from: 11, to: 26 };

/** Reads an ONNX model with its tensors; `find` gives the files beside it that it points into. */
export function readOnnx(bytes: Uint8Array, file: string, find: FindFile): OnnxModel | Problem {
  try {
    return modelOf(decodeMessage<ModelProto>(messages.ModelProto, bytes), find);
  } catch (error) {
    if (!(error instanceof Unread) && !(error instanceof Malformed)) throw error;
    const what =
      error instanceof Malformed ? `this is no ONNX model that is whole: ${error.message}` : error.message;
    return new Problem(
      "E775",
      `${file}: ${what}`,
      "`onnx.checker.check_model(path)` says what is wrong with a file of ONNX",
    );
  }
}

function modelOf(model: Read<ModelProto>, find: FindFile): OnnxModel {
  const { graph } = model;
  if (graph === undefined) throw new Unread("this is no ONNX model: it has no graph");
  const opset = model.opsetImport.find(({ domain }) => isOwn(domain))?.version;
  if (opset === undefined || opset < OPSETS.from || opset > OPSETS.to)
    throw new Unread(
      `the operators are of opset ${opset ?? "none"}, and what is read is ${OPSETS.from} to ${OPSETS.to}`,
    );
  if (model.functions.length > 0)
    throw new Unread(
      `it has functions of its own: ${listWords(model.functions.slice(0, 5).map(({ name }) => quote(name ?? "")))}; \`onnx.inliner.inline_local_functions\` puts them where they are called`,
    );
  const tensors = new Map(
    graph.initializer.map((proto) => [proto.name ?? "", tensorOf(proto, find)] as const),
  );
  const nodes = graph.node.map((node) => nodeOf(node, find));
  const inputs = graph.input.filter(({ name }) => !tensors.has(name ?? "")).map(inputOf);
  const outputs = graph.output.map(({ name }) => name ?? "");
  if (inputs.length === 0 || outputs.length === 0) throw new Unread("the graph has no inputs or no outputs");
  const read: OnnxModel = {
    name: graph.name ?? "",
    producer: model.producerName ?? "",
    opset,
    inputs,
    outputs,
    nodes,
    tensors,
  };
  checkOrder(read);
  return read;
}

const isOwn = (domain: string | undefined): boolean =>
  domain === undefined || domain === "" || domain === "ai.onnx";

function nodeOf(node: Read<NodeProto>, find: FindFile): OnnxNode {
  return {
    op: node.opType ?? "",
    domain: isOwn(node.domain) ? "" : node.domain!,
    name: node.name ?? "",
    scope: scopeOf(node),
    inputs: node.input,
    outputs: node.output,
    attributes: new Map(node.attribute.map((each) => [each.name ?? "", attributeOf(each, find)])),
  };
}

/** PyTorch's exporters have the module in the path that a node is called by, or in a list beside it. */
function scopeOf({ name = "", metadataProps }: Read<NodeProto>): string {
  const scopes = metadataProps.find(({ key }) => key === "pkg.torch.onnx.name_scopes")?.value ?? "";
  const listed = [...scopes.matchAll(/'([^']*)'/g)].map(([, each]) => each!);
  return (
    listed.at(-2) ??
    name
      .split("/")
      .slice(0, -1)
      .filter((part) => part !== "")
      .join(".")
  );
}

/** A value of 0 or of no letters is left out by writers of Protocol Buffers 3; the type says that it is there. */
const attributeOf = (proto: Read<AttributeProto>, find: FindFile): Attribute => ({
  int: proto.i ?? (proto.type === attributeTypes.i ? 0 : undefined),
  float: proto.f ?? (proto.type === attributeTypes.f ? 0 : undefined),
  text: proto.s ?? (proto.type === attributeTypes.s ? "" : undefined),
  ints: proto.ints,
  floats: proto.floats,
  tensor: proto.t === undefined ? undefined : tensorOf(proto.t, find),
  isGraph: proto.g !== undefined,
});

function inputOf({ name, type }: Read<ValueInfoProto>): OnnxInput {
  const what = `the input ${quote(name ?? "")}`;
  const tensor = type?.tensorType;
  if (tensor?.shape === undefined) throw new Unread(`${what} is no tensor whose axes are counted`);
  return {
    name: name ?? "",
    dtype: dtypeOf(tensor.elemType, what),
    sizes: tensor.shape.dim.map(({ dimValue, dimParam }) =>
      dimValue !== undefined && dimValue > 0 ? dimValue : dimParam === "" ? undefined : dimParam,
    ),
  };
}

/** Each value is made once, before it is read: so that no node waits for itself. */
function checkOrder({ inputs, tensors, nodes, outputs }: OnnxModel): void {
  const made = new Set<string>([...inputs.map(({ name }) => name), ...tensors.keys()]);
  const all = new Set(nodes.flatMap((node) => node.outputs));
  const need = (name: string, who: string): void => {
    if (name === "" || made.has(name)) return;
    throw new Unread(
      all.has(name)
        ? `${who} reads ${quote(name)} before it is made: nodes stand in no order in which they can run, or in a circle`
        : `${who} reads ${quote(name)}, which nothing makes`,
    );
  };
  for (const node of nodes) {
    const who = `the node ${quote(node.name)} (${quote(node.op)})`;
    for (const name of node.inputs) need(name, who);
    for (const name of node.outputs) {
      if (name !== "" && made.has(name))
        throw new Unread(`${quote(name)} is made twice, the second time by ${who}`);
      made.add(name);
    }
  }
  for (const name of outputs) need(name, "an output of the graph");
}
