/** `lmg/run/node`: what running a model takes from Node: checkpoints on disk, and WebGPU outside a browser. */
export { openCheckpoint, type Checkpoint } from "../checkpoint/files/open.ts";
export { checkpointFiles } from "../checkpoint/files/folder.ts";
export { readJsonFile } from "../checkpoint/files/json.ts";
export { dawnAdapter } from "./dawn.ts";
