import type { Source, Span } from "../support/source.ts";
import type {
  Call,
  Chain,
  Expression,
  Group,
  LabelName,
  Layer,
  Name,
  Path,
  Tap,
  Text,
  TypeReference,
} from "./ast/expressions.ts";

/**
 * The tree of a `.lmg` file. It says what was written, nothing of what it means: names are not looked up, a name in a
 * layer's place may turn out to be an op, a block or a parameter. Every node has the span of its text.
 */
export interface File {
  readonly source: Source;
  readonly uses: readonly Use[];
  readonly definitions: readonly Definition[];
  /** In text order; the formatter puts them back, nothing else reads them. */
  readonly comments: readonly Comment[];
}

export interface Comment {
  readonly span: Span;
}

export interface Use {
  readonly span: Span;
  readonly path: Text;
}

export interface Definition {
  readonly span: Span;
  readonly kind: "model" | "block";
  readonly name: Name;
  readonly parameters: readonly ParameterDeclaration[];
  readonly body: Body;
}

export interface ParameterDeclaration {
  readonly span: Span;
  readonly name: Name;
  /** The words after the colon: one kind (`int`), or the words allowed (`in_out | out_in`). Empty if not written. */
  readonly kind: readonly Name[];
  readonly default: Expression | undefined;
}

export interface Body {
  /** From `{` to `}`. */
  readonly span: Span;
  readonly statements: readonly Statement[];
}

export type Statement =
  | InputStatement
  | OutputStatement
  | LetStatement
  | AssertStatement
  | DefaultStatement
  | IfStatement
  | RepeatStatement
  | ParallelStatement
  | ResidualStatement
  | AllowStatement
  | TrainStatement
  | ConfigStatement
  | BindStatement
  | ChainStatement
  | BracesStatement;

export interface InputStatement {
  readonly kind: "input";
  readonly span: Span;
  readonly name: Name;
  readonly type: TypeReference;
  readonly default: Expression | undefined;
}

export interface OutputStatement {
  readonly kind: "output";
  readonly span: Span;
  readonly name: Name;
  readonly type: TypeReference | undefined;
}

export interface LetStatement {
  readonly kind: "let";
  readonly span: Span;
  readonly name: Name;
  readonly value: Expression;
}

export interface AssertStatement {
  readonly kind: "assert";
  readonly span: Span;
  readonly condition: Expression;
  readonly message: Text;
}

/** `default linear(init: …), embedding(…)` */
export interface DefaultStatement {
  readonly kind: "default";
  readonly span: Span;
  readonly calls: readonly Call[];
}

/** What an `if` chooses from: statements, or lines of `train`. */
export interface Branches<B> {
  /** `if`, then each `else if`. */
  readonly branches: readonly { readonly condition: Expression; readonly body: B }[];
  readonly otherwise: B | undefined;
}

export interface IfStatement extends Branches<Body> {
  readonly kind: "if";
  readonly span: Span;
}

/** `repeat n …`, `repeat first..end …`, `… shared`, `… as label[i]`, `… as [i]`. */
export interface RepeatStatement {
  readonly kind: "repeat";
  readonly span: Span;
  readonly first: Expression | undefined;
  /** The count, or the end of the range. */
  readonly end: Expression;
  /** A training step keeps only what comes in and goes out of an iteration, and makes the rest again for the backward. */
  readonly checkpoint: boolean;
  readonly shared: boolean;
  readonly label: LabelName | undefined;
  readonly index: Name | undefined;
  readonly body: Body;
}

export interface ParallelStatement {
  readonly kind: "parallel";
  readonly span: Span;
  readonly body: Body;
  readonly tap: Tap | undefined;
}

export interface ResidualStatement {
  readonly kind: "residual";
  readonly span: Span;
  /** In text order; that each stands at most once is checked when the edge is lowered. */
  readonly clauses: readonly Clause[];
  readonly body: Body | undefined;
  readonly tap: Tap | undefined;
}

export type Clause = FromClause | GainClause | InitClause | NormClause;

/** `from NAME`, `from (chain)` or `from blocks[i].level`. */
export interface FromClause {
  readonly kind: "from";
  readonly span: Span;
  readonly value: Call | Group;
}

/** `skip CHAIN` or `branch CHAIN`. */
export interface GainClause {
  readonly kind: "skip" | "branch";
  readonly span: Span;
  readonly gain: Chain;
}

/** `init FACTOR` */
export interface InitClause {
  readonly kind: "init";
  readonly span: Span;
  readonly factor: Expression;
}

/** `pre NORM`, `out NORM`, `post NORM`, `sandwich NORM`, or a parameter of kind placement in the word's place. */
export interface NormClause {
  readonly kind: "norm";
  readonly span: Span;
  readonly position: Name;
  readonly layer: Layer;
  /** What multiplies the norm's result: `layernorm * 0.5`. */
  readonly gain: Expression | undefined;
}

/** `allow no_final_norm, unread_tap` */
export interface AllowStatement {
  readonly kind: "allow";
  readonly span: Span;
  readonly lints: readonly Name[];
}

export interface BindStatement {
  readonly kind: "bind";
  readonly span: Span;
  /** One name, or the names of a tuple; `_` stands for a value that is not wanted. */
  readonly targets: readonly Name[];
  /** True for `(a, b) = …`, also with one name. */
  readonly tuple: boolean;
  readonly chain: Chain;
}

export interface ChainStatement {
  readonly kind: "chain";
  readonly span: Span;
  readonly chain: Chain;
}

/** `{ several; lines }` as one branch of `parallel`. */
export interface BracesStatement {
  readonly kind: "braces";
  readonly span: Span;
  readonly body: Body;
}

export interface TrainStatement {
  readonly kind: "train";
  readonly span: Span;
  readonly lines: readonly TrainLine[];
}

/** What a line says of the parameters whose names match its patterns. */
export type TrainRuleName = "rate" | "eps" | "decay";

export type TrainSettingName =
  | "loss"
  | "metric"
  | "optimizer"
  | "schedule"
  | "augment"
  | "batch"
  | "accumulate"
  | "epochs"
  | "steps"
  | "patience"
  | "clip"
  | "data"
  | "seed";

export type TrainLine =
  | { readonly kind: "target"; readonly span: Span; readonly name: Name; readonly type: TypeReference }
  | { readonly kind: "setting"; readonly span: Span; readonly setting: Name; readonly chain: Chain }
  | TrainRuleLine
  | AfterStepLine
  | TrainIfLine
  | BindStatement;

/** `rate "h.*" 0.5`: a number for the parameters whose names match one of the patterns. */
export interface TrainRuleLine {
  readonly kind: "rule";
  readonly span: Span;
  readonly setting: Name;
  readonly patterns: readonly Text[];
  readonly value: Expression;
}

/** `after step l2norm "h.*.weight"`: what those parameters pass through when a step has moved them. */
export interface AfterStepLine {
  readonly kind: "after";
  readonly span: Span;
  readonly layer: Call;
  readonly patterns: readonly Text[];
}

/** `if condition { lines } else { lines }`, by what is known before the model runs. */
export interface TrainIfLine extends Branches<TrainBody> {
  readonly kind: "if";
  readonly span: Span;
}

export interface TrainBody {
  readonly span: Span;
  readonly lines: readonly TrainLine[];
}

/** `config for "llama", "mistral" { … }`; without `for` there are no families. */
export interface ConfigStatement {
  readonly kind: "config";
  readonly span: Span;
  /** The `model_type`s that the section speaks for. */
  readonly families: readonly Text[];
  readonly lines: readonly ConfigLine[];
}

export type ConfigLine = ConfigKeyLine | NeutralLine | LikeLine | ArchitectureLine | AssertStatement;

/** `architecture LlamaForCausalLM, MistralForCausalLM`: what publishes such models, one for each family or one for all. */
export interface ArchitectureLine {
  readonly kind: "architecture";
  readonly span: Span;
  readonly names: readonly Name[];
}

/** `like llama`: the lines of that definition's section, for the parameters that no line here gives. */
export interface LikeLine {
  readonly kind: "like";
  readonly span: Span;
  readonly name: Name;
}

export interface ConfigKeyLine {
  readonly kind: "key";
  readonly span: Span;
  readonly name: Name;
  /** The alternatives, first to last: `a else b else 3`. Their names are keys of config.json, with dots. */
  readonly values: readonly Expression[];
}

/** `neutral pretraining_tp, sliding_window = none | 0` */
export interface NeutralLine {
  readonly kind: "neutral";
  readonly span: Span;
  readonly keys: readonly NeutralKey[];
}

export interface NeutralKey {
  readonly span: Span;
  readonly path: Path;
  /** The values at which the key changes nothing; undefined if none does. */
  readonly values: readonly Expression[] | undefined;
}
