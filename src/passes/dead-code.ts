import { removeDeadNodes } from "./nodes.ts";
import type { Pass } from "./pass.ts";

export const deadCode: Pass = {
  name: "dead-code",
  doc: "drops nodes whose results nobody reads; ops are pure, so nothing can notice",
  run: removeDeadNodes,
};
