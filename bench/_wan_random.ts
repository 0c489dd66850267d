/**
 * Weights that no file holds: random numbers made where they are used. A network of 1.4 billion parameters is there in a
 * second, and neither a checkpoint nor host memory is needed.
 *
 * Parameters become inputs of the graph, bound to tensors that a small graph has filled. So sessions that share weights
 * share them in memory too, and nothing is folded or rearranged on loading: on a GPU that costs a handful of tiny
 * kernels (where a weight is scaled or shifted before its use). A CPU is another matter: there products are slower and
 * convolutions take several times the memory, so weights go into the model where a model can hold them.
 */

import { add, cast, Graph, mul, writeModel } from "../engine/onnx/mod.ts";
import type { Device, Session, Tensor } from "../engine/runtime/mod.ts";
import { type DType, float32ToFloat16 } from "../engine/tensor/mod.ts";
import { bytesOf, dimsOf, type Sizes } from "./_flops.ts";

/** A tensor that a graph's float types go in. */
export type FloatType = "float32" | "float16";

/** How numbers are spread: evenly in `offset − scale … offset + scale`, or nearly so. */
interface Spread {
  readonly scale: number;
  readonly offset?: number;
}

/** A graph that is loaded; it is disposed of with the tensors. */
interface Loaded {
  readonly session: Session;
  /** To be bound, by the names of inputs. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Bytes of weights that were not there before. */
  readonly bytes: number;
}

/** Bytes of weights that go into a model; an ONNX file must stay below 2 GiB. */
const INLINE_LIMIT = 1 << 30;

/** Makes random tensors on a device, and keeps the weights it made, by name. */
export class RandomTensors implements AsyncDisposable {
  readonly #device: Device;
  readonly #stack = new AsyncDisposableStack();
  readonly #sessions = new Map<FloatType, Session>();
  readonly #weights = new Map<string, Tensor>();
  readonly #next = mulberry(0x9e3779b9);
  #bytes = 0;
  #weightBytes = 0;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Bytes of all tensors made so far, weights left aside. */
  get bytes(): number {
    return this.#bytes - this.#weightBytes;
  }

  /** A tensor of uninitialised memory, which this owns. */
  empty<D extends DType>(dtype: D, shape: readonly number[]): Tensor<D> {
    const tensor = this.#stack.use(this.#device.createTensor(dtype, shape));
    this.#bytes += tensor.bytes;
    return tensor;
  }

  /** A tensor of random numbers, which this owns. */
  async tensor(dtype: FloatType, shape: readonly number[], spread: Spread): Promise<Tensor> {
    const tensor = this.empty(dtype, shape);
    await this.#fill(tensor as Tensor<FloatType>, spread);
    return tensor as Tensor;
  }

  /**
   * Loads a graph with random weights, and gives those that are to be bound, by the names of inputs; a name that was asked
   * for before has the tensor it had. The variance of a weight is what keeps that of the values it is applied to.
   */
  async load(graph: Graph): Promise<Loaded> {
    const parameters = [...graph.parameters.values()];
    const bytes = parameters.reduce((sum, { value }) => sum + bytesOf(value), 0);
    if (this.#device.kind === "cpu" && bytes <= INLINE_LIMIT) {
      return { session: await this.#loadInline(graph), weights: new Map(), bytes };
    }
    const before = this.#bytes;
    const weights = new Map<string, Tensor>();
    for (const { name, value } of parameters) {
      graph.inputs.push(value);
      let tensor = this.#weights.get(name);
      if (tensor === undefined) {
        const shape = dimsOf(value);
        tensor = await this.tensor(value.dtype as FloatType, shape, spreadOf(name, shape));
        this.#weights.set(name, tensor);
      }
      weights.set(value.name, tensor);
    }
    graph.parameters.clear();
    const made = this.#bytes - before;
    this.#weightBytes += made;
    const session = this.#stack.use(await this.#device.createSession(writeModel(graph)));
    return { session, weights, bytes: made };
  }

  async #loadInline(graph: Graph): Promise<Session> {
    using stack = new DisposableStack();
    const data = new Map<string, Uint8Array>();
    for (const { name, value } of graph.parameters.values()) {
      const shape = dimsOf(value);
      const tensor = stack.use(this.#device.createTensor(value.dtype as FloatType, shape));
      await this.#fill(tensor, spreadOf(name, shape));
      const { buffer, byteOffset, byteLength } = tensor.data;
      data.set(name, new Uint8Array(buffer, byteOffset, byteLength));
    }
    const model = writeModel(graph, (name) => ({
      dtype: graph.parameters.get(name)!.value.dtype,
      data: data.get(name)!,
    }));
    return this.#stack.use(await this.#device.createSession(model));
  }

  /** Tensors for those of a graph's inputs that nothing is known of: random numbers, or zeros of whole numbers. */
  async inputsOf(graph: Graph, sizes: Sizes = {}): Promise<Map<string, Tensor>> {
    const inputs = new Map<string, Tensor>();
    for (const value of graph.inputs) {
      const shape = dimsOf(value, sizes);
      if (value.dtype === "float32" || value.dtype === "float16") {
        inputs.set(value.name, await this.tensor(value.dtype, shape, { scale: 1 }));
      } else {
        const tensor = this.empty(value.dtype, shape);
        await tensor.write(new Uint8Array(tensor.bytes));
        inputs.set(value.name, tensor as Tensor);
      }
    }
    return inputs;
  }

  /** Fills a tensor, seen as a table, by scale · sin(a · b) + offset with a random a for each row and b for each column. */
  async #fill(tensor: Tensor<FloatType>, { scale, offset = 0 }: Spread): Promise<void> {
    const rows = rowsOf(tensor.shape);
    const columns = tensor.size / rows;
    const session = await this.#session(tensor.dtype);
    using binding = session.createBinding();
    const given = async (name: string, shape: readonly number[], range: number) => {
      using input = this.#device.createTensor("float32", shape);
      await input.write(Float32Array.from({ length: input.size }, () => range * this.#next()));
      binding.input(name, input);
    };
    // Up to 3,000 radians: neighbours have nothing to do with each other, and a float32 still holds the angle well.
    await given("a", [rows, 1], 3000);
    await given("b", [1, columns], 1);
    for (const [name, value] of [["scale", scale * Math.SQRT2], ["offset", offset]] as const) {
      using input = this.#device.createTensor("float32", [1, 1]);
      await input.write(Float32Array.of(value));
      binding.input(name, input);
    }
    using table = tensor.view([rows, columns]);
    binding.output("filled", table);
    await session.run(binding);
  }

  async #session(dtype: FloatType): Promise<Session> {
    const known = this.#sessions.get(dtype);
    if (known) return known;
    const session = await this.#device.createSession(writeModel(fillGraph(dtype)));
    this.#stack.use(session);
    this.#sessions.set(dtype, session);
    return session;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Rows of the table that a shape is seen as, so that the fewest numbers come from the host. */
function rowsOf(shape: readonly number[]): number {
  const size = shape.reduce((a, b) => a * b, 1);
  let [best, rows] = [1, 1];
  for (const length of shape) {
    rows *= length;
    if (rows + size / rows < best + size / best) best = rows;
  }
  return best;
}

/** Only operators that every provider has: WebGPU knows no RandomNormal. */
function fillGraph(dtype: FloatType): Graph {
  const graph = new Graph("fill");
  const a = graph.input("a", "float32", ["rows", 1]);
  const b = graph.input("b", "float32", [1, "columns"]);
  const angle = mul(a, b);
  const sine = graph.node("Sin", [angle], [angle])[0]!;
  const scaled = mul(sine, graph.input("scale", "float32", [1, 1]));
  graph.output("filled", cast(add(scaled, graph.input("offset", "float32", [1, 1])), dtype));
  return graph;
}

function spreadOf(name: string, shape: readonly number[]): Spread {
  const inner = shape.slice(1).reduce((a, b) => a * b, 1);
  if (shape.length > 1 && inner > 1) return { scale: Math.sqrt(1 / inner) };
  // What a norm is scaled by is near 1, what is added near 0.
  return { scale: 0.1, offset: /(weight|gamma)$/.test(name) ? 1 : 0 };
}

/** Writes float32 numbers to a tensor of either float type. */
export async function writeFloats(tensor: Tensor, values: Float32Array): Promise<void> {
  const converted = tensor.dtype === "float16" ? float32ToFloat16(values) : values;
  await (tensor as Tensor<FloatType>).write(converted as never);
}

/** Numbers in −1 … 1, the same each time. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let t = Math.imul(state ^ state >>> 15, 1 | state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 0x80000000 - 1;
  };
}
