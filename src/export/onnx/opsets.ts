/** The versions of ONNX's operators that lmg writes: 23 has attention, rotary positions and RMS norms as ops of their own. */
export const opsets = [17, 23] as const;

export type Opset = (typeof opsets)[number];
