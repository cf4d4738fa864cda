import type { JaxTable } from "../site.ts";
import { attention } from "./attention.ts";
import { elementwise } from "./elementwise.ts";
import { layers } from "./layers.ts";
import { shapes } from "./shapes.ts";

/** Every op of a lowered graph as JAX. */
export const jaxTable: JaxTable = { ...elementwise, ...shapes, ...layers, ...attention };
