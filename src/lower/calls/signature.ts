import type { Definition } from "../../language/ast.ts";
import type { Expression } from "../../language/ast/expressions.ts";
import { parameterKinds } from "../../language/words.ts";
import { isDtype } from "../../tensor/dtype.ts";
import { bareName } from "../values/expressions.ts";
import { isFunctionCall } from "../values/functions.ts";
import {
  declaredKind,
  isPlacement,
  kind,
  type Kind,
  type Signature,
  type SignatureParameter,
  type Signatures,
} from "../values/kinds.ts";
import { layerRecords } from "../layers/table.ts";
import type { Callee } from "../values/meaning.ts";
import type { Module } from "../names/module.ts";
import { findDefinition, type Library } from "../names/modules.ts";

const opSignatures: ReadonlyMap<string, Signature> = new Map(
  Object.entries(layerRecords).map(([layer, { parameters }]) => [
    layer,
    new Map(
      Object.entries(parameters).map(([name, { kind: of, fallback }]) => [
        name,
        { name, kind: of, required: fallback === undefined },
      ]),
    ),
  ]),
);

export function signatureOf(callee: Callee, library: Library, known: Signatures): Signature {
  if (callee.kind === "same") return new Map();
  if (callee.kind === "op") return opSignatures.get(callee.name)!;
  const there = known.get(callee.definition);
  if (there !== undefined) return there;
  const made = blockSignature(callee.definition, callee.module, library);
  known.set(callee.definition, made);
  return made;
}

/** The parameters in order; the kind of each is written, or that of its default, which may name those before it. */
export function blockSignature(definition: Definition, module: Module, library: Library): Signature {
  const signature = new Map<string, SignatureParameter>();
  const isLayer = (name: string): boolean =>
    Object.hasOwn(layerRecords, name) || findDefinition(module, library, name) !== undefined;
  const kindOfName = (name: string): Kind => {
    const earlier = signature.get(name);
    if (earlier !== undefined) return earlier.kind;
    if (isPlacement(name)) return kind("placement");
    if (isDtype(name)) return kind("dtype");
    return kind(isLayer(name) ? "layer" : "any");
  };
  for (const parameter of definition.parameters) {
    const { name, default: fallback } = parameter;
    const inferred = fallback === undefined ? kind("any") : inferKind(fallback, kindOfName, 0);
    const of = declaredKind(parameter, parameterKinds) ?? inferred;
    signature.set(name.text, {
      name: name.text,
      kind: of,
      required: fallback === undefined,
      span: name.span,
    });
  }
  return signature;
}

/** Deeper than a default is written; beyond it the kind is left open. */
const MAX_DEPTH = 50;

function inferKind(expression: Expression, ofName: (name: string) => Kind, depth: number): Kind {
  const infer = (part: Expression): Kind => inferKind(part, ofName, depth + 1);
  if (depth > MAX_DEPTH) return kind("any");
  switch (expression.kind) {
    case "number":
      return kind(expression.whole ? "int" : "float");
    case "text":
      return kind("text");
    case "list":
    case "made_list":
      return kind("list");
    case "conditional":
      return infer(expression.then);
    case "unary":
      return expression.operator === "not" ? kind("bool") : infer(expression.operand);
    case "group": {
      const head = expression.chains[0]?.head;
      return head === undefined || head.kind === "layer" ? kind("any") : infer(head);
    }
    case "call": {
      const name = bareName(expression);
      if (name === undefined)
        return kind(isFunctionCall(expression) ? functionKind(expression.path.root.text) : "layer");
      // Whoever calls says what it is.
      if (name === "none") return kind("any", true);
      return name === "true" || name === "false" ? kind("bool") : ofName(name);
    }
    case "binary":
      return binaryKind(expression.operator, infer(expression.left), infer(expression.right));
  }
}

const functionKind = (name: string): "int" | "float" =>
  ["floor", "div", "count"].includes(name) ? "int" : "float";

function binaryKind(operator: string, left: Kind, right: Kind): Kind {
  if (!"+-*/%^".includes(operator)) return kind("bool");
  const whole = left.name === "int" && right.name === "int" && operator !== "/" && operator !== "^";
  return kind(whole ? "int" : "float");
}
