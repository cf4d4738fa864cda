import { serve } from "../calls.ts";
import type { Role } from "./start.ts";

/*
 * The worker that checks is always free for the next key; that which builds may take its time, and leaves what is stale; that which
 * trains and writes texts blocks itself, and is ended to stop it.
 */
const { name } = globalThis as unknown as { readonly name: Role };
switch (name) {
  case "check":
    serve(import("./check.ts").then(({ checking }) => checking));
    break;
  case "build":
    serve(import("./build.ts").then(({ building }) => building));
    break;
  case "train":
    serve(import("./train.ts").then(({ training }) => training));
    break;
}
