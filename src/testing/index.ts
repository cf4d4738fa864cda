/** `lmg/testing`: what people need to look into graphs in their own tests. Needs no test framework at run time. */
export { checkText, type CheckResult } from "./filecheck.ts";
export { expectFused, explainEdge, showExplanation, type Explained, type MatchResult } from "./fused.ts";
export { expectIr, irMatchers, type IrMatchers, type IrSubject } from "./matchers.ts";
export { compilePattern, PatternError } from "./pattern.ts";
export {
  countOps,
  edge,
  input,
  nodesAt,
  nodesOf,
  nodesOfEdge,
  output,
  parameter,
  producerOf,
  readersOf,
} from "./queries.ts";
