/** What a file is that no ONNX model can be; thrown where it is seen, and a Problem for who reads the file. */
export class Unread extends Error {}
