// Writes ONNX models as protobuf: nodes, small constants inline, weights as external data.

/** ONNX element types by number (TensorProto.DataType). */
export const ONNX_TYPE = { FLOAT: 1, UINT8: 2, INT8: 3, INT32: 6, INT64: 7 } as const;
export type OnnxType = (typeof ONNX_TYPE)[keyof typeof ONNX_TYPE];

const text = new TextEncoder();

/** A protobuf message under construction; fields go in the order of the calls. */
class Message {
  private readonly parts: Uint8Array[] = [];
  private size = 0;

  private push(bytes: Uint8Array): void {
    this.parts.push(bytes);
    this.size += bytes.length;
  }

  private varint(value: number | bigint): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes: number[] = [];
    while (rest > 127n) {
      bytes.push(Number(rest & 127n) | 128);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    this.push(Uint8Array.from(bytes));
  }

  int(field: number, value: number | bigint): this {
    this.varint(field << 3);
    this.varint(value);
    return this;
  }

  float(field: number, value: number): this {
    this.varint((field << 3) | 5);
    this.push(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array | string): this {
    const bytes = typeof value === "string" ? text.encode(value) : value;
    this.varint((field << 3) | 2);
    this.varint(bytes.length);
    this.push(bytes);
    return this;
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.done());
  }

  done(): Uint8Array {
    const out = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  }
}

export type Attribute = number | { float: number } | number[];
export type Axis = number | string;

/** A graph that grows node by node; names are the wires. */
export class OnnxGraph {
  private readonly graph = new Message();
  private counter = 0;

  /** @param dataFile name of the external data file, relative to the model file */
  constructor(private readonly dataFile: string) {}

  /** Adds a node and returns the name of its first output. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    options: { domain?: string; outputs?: readonly string[] } = {},
  ): string {
    const outputs = options.outputs ?? [`${op}_${this.counter}`];
    const node = new Message();
    for (const name of inputs) node.bytes(1, name);
    for (const name of outputs) node.bytes(2, name);
    node.bytes(3, `${op}_${this.counter++}_n`).bytes(4, op);
    for (const [name, value] of Object.entries(attributes)) {
      const attribute = new Message().bytes(1, name);
      if (typeof value === "number") attribute.int(3, value).int(20, 2);
      else if (Array.isArray(value)) {
        for (const item of value) attribute.int(8, item);
        attribute.int(20, 7);
      } else attribute.float(2, value.float).int(20, 1);
      node.message(5, attribute);
    }
    if (options.domain) node.bytes(7, options.domain);
    this.graph.message(1, node);
    return outputs[0] ?? "";
  }

  /** A node of the com.microsoft domain. */
  ms(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute> = {},
    outputs?: readonly string[],
  ): string {
    return this.node(op, inputs, attributes, { domain: "com.microsoft", ...(outputs ? { outputs } : {}) });
  }

  /** A weight that lies in the data file. */
  weight(name: string, type: OnnxType, dims: readonly number[], offset: number, length: number): string {
    const tensor = new Message();
    for (const axis of dims) tensor.int(1, axis);
    tensor.int(2, type).bytes(8, name);
    for (const [key, value] of [
      ["location", this.dataFile],
      ["offset", String(offset)],
      ["length", String(length)],
    ] as const)
      tensor.message(13, new Message().bytes(1, key).bytes(2, value));
    tensor.int(14, 1);
    this.graph.message(5, tensor);
    return name;
  }

  /** A small int64 vector inside the model file. */
  int64s(values: readonly number[]): string {
    const name = `const_${this.counter++}`;
    const raw = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
    const tensor = new Message().int(1, values.length).int(2, ONNX_TYPE.INT64).bytes(8, name).bytes(9, raw);
    this.graph.message(5, tensor);
    return name;
  }

  input(name: string, type: OnnxType, dims: readonly Axis[]): string {
    this.graph.message(11, valueInfo(name, type, dims));
    return name;
  }

  output(name: string, type: OnnxType, dims: readonly Axis[]): void {
    this.graph.message(12, valueInfo(name, type, dims));
  }

  /** The whole ModelProto. */
  finish(name: string): Uint8Array {
    this.graph.bytes(2, name);
    return new Message()
      .int(1, 10)
      .bytes(2, "espalier")
      .message(7, this.graph)
      .message(8, new Message().bytes(1, "").int(2, 21))
      .message(8, new Message().bytes(1, "com.microsoft").int(2, 1))
      .done();
  }
}

function valueInfo(name: string, type: OnnxType, dims: readonly Axis[]): Message {
  const shape = new Message();
  for (const axis of dims) {
    const dim = new Message();
    if (typeof axis === "number") dim.int(1, axis);
    else dim.bytes(2, axis);
    shape.message(1, dim);
  }
  const tensorType = new Message().int(1, type).message(2, shape);
  return new Message().bytes(1, name).message(2, new Message().message(1, tensorType));
}
