/** A tensor in memory that sessions read and write without copies. */

import {
  arrayOf,
  byteLength,
  type DataOf,
  type DType,
  elementCount,
  formatShape,
  onnxTypeOf,
  sameShape,
  type Shape,
} from "../tensor/mod.ts";
import { Block, type Core } from "./_core.ts";
import { track } from "./handles.ts";
import { addressOf, dimensions, out } from "./_native.ts";

/** ONNX Runtime's own allocations start at such an address, which vector instructions like. */
const alignment = 64;

/** A tensor on a device or in host memory. Made by `device.createTensor`. */
export class Tensor<D extends DType = DType> implements Disposable {
  /** Element type. */
  readonly dtype: D;
  /** Sizes of the axes. */
  readonly shape: Shape;
  /** Where its memory is. A CPU device's tensors are all on the host. */
  readonly on: "device" | "host";
  /** Number of elements. */
  readonly size: number;
  /** Size in bytes. */
  readonly bytes: number;
  readonly #core: Core;
  readonly #block: Block;
  readonly #close: () => void;
  #data: DataOf[D] | undefined;
  #disposed = false;

  private constructor(
    core: Core,
    block: Block,
    dtype: D,
    shape: Shape,
    on: "device" | "host",
  ) {
    this.#core = core;
    this.#block = block;
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.on = on;
    this.size = elementCount(shape);
    this.bytes = block.bytes;
    const owned = own(core, block);
    this.#close = owned.close;
    owned.untrack = track("tensor", this, owned.collected);
  }

  /** @internal */
  static create<D extends DType>(
    core: Core,
    dtype: D,
    shape: Shape,
    on: "device" | "host",
  ): Tensor<D> {
    const bytes = byteLength(dtype, shape);
    if (on === "host" || core.memory === undefined) {
      const buffer = new ArrayBuffer(bytes + alignment);
      const shift = Number(-addressOf(new Uint8Array(buffer)) & BigInt(alignment - 1));
      const host = new Uint8Array(buffer, shift, bytes);
      const block = new Block(core, bytes, { host });
      block.address = addressOf(new Uint8Array(buffer)) + BigInt(shift);
      block.value = wrap(core, core.hostInfo, block.address, dtype, shape);
      return new Tensor(core, block, dtype, shape, "host");
    }
    const { allocator } = core.memory;
    const block = new Block(core, bytes, {});
    block.ready = (async () => {
      const value = out();
      const address = out();
      const call = ["CreateTensorAsOrtValue", allocator] as const;
      const type = onnxTypeOf(dtype);
      await core.executor.run([[...call, dimensions(shape), shape.length, type, value]]);
      block.value = value[0]!;
      await core.executor.run([["GetTensorMutableData", block.value, address]]);
      block.address = address[0]!;
      block.ready = undefined;
    })();
    // Who reads, writes or runs with it hears of a failure; a tensor nobody uses may fail unheard.
    block.ready.catch(() => {});
    return new Tensor(core, block, dtype, shape, "device");
  }

  /**
   * Its elements, not a copy: what a session writes appears here. Tensors on the host only; throws a
   * TypeError for others. The array becomes empty when the tensor's memory is freed.
   */
  get data(): DataOf[D] {
    this.#alive("look into");
    const host = this.#block.host;
    if (host === undefined) {
      throw new TypeError(
        `cannot look into a tensor on ${this.#core.name} directly: its memory is the device's. ` +
          "Use await tensor.read()",
      );
    }
    return this.#data ??= new (arrayOf(this.dtype))(host.buffer, host.byteOffset, this.size);
  }

  /**
   * The first elements as a tensor of another shape over the same memory: writing one writes the other. The
   * memory stays as long as either is in use. Throws a RangeError where the shape needs more than there is.
   */
  view(shape: Shape): Tensor<D> {
    this.#alive("view");
    const bytes = byteLength(this.dtype, shape);
    if (bytes > this.bytes) {
      throw new RangeError(
        `cannot view a tensor of shape ${formatShape(this.shape)} as ${formatShape(shape)}: ` +
          `expected at most ${this.size} elements, got ${elementCount(shape)}`,
      );
    }
    const core = this.#core;
    const parent = this.#block;
    const host = parent.host?.subarray(0, bytes);
    const block = new Block(core, bytes, { parent, ...(host && { host }) });
    const make = () => {
      block.address = parent.address;
      const info = host === undefined ? core.memory!.info : core.hostInfo;
      block.value = wrap(core, info, parent.address, this.dtype, shape);
    };
    if (parent.ready === undefined) make();
    else {
      block.ready = parent.ready.then(() => {
        make();
        block.ready = undefined;
      });
      block.ready.catch(() => {});
    }
    return new Tensor(core, block, this.dtype, shape, this.on);
  }

  /**
   * Copies elements in: a typed array of the tensor's type, or the bytes of one. Throws a TypeError where
   * their type or number does not fit.
   */
  async write(source: DataOf[D] | Uint8Array): Promise<void> {
    this.#alive("write to");
    this.#fits(source);
    if (this.#block.host !== undefined) {
      this.#block.host.set(new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
      return;
    }
    if (this.size === 0) return;
    // The address must stay good until the copy is done, which a shared or resizable buffer does not promise.
    const fixed = source.buffer instanceof ArrayBuffer && !source.buffer.resizable;
    const array = (fixed ? source : source.slice()) as Uint8Array<ArrayBuffer>;
    await this.#copy((mine, theirs) => [theirs, mine], array);
  }

  /** A copy of its elements. */
  async read(): Promise<DataOf[D]> {
    this.#alive("read");
    const array = new (arrayOf(this.dtype))(this.size);
    if (this.#block.host !== undefined) {
      new Uint8Array(array.buffer as ArrayBuffer).set(this.#block.host);
    } else if (this.size > 0) {
      await this.#copy(
        (mine, theirs) => [mine, theirs],
        array as unknown as Uint8Array<ArrayBuffer>,
      );
    }
    return array;
  }

  /** Copies another tensor of the same type and shape in, from wherever it is. */
  async copyFrom(source: Tensor<D>): Promise<void> {
    this.#alive("write to");
    source.#alive("read");
    if (source.dtype !== this.dtype || !sameShape(source.shape, this.shape)) {
      throw new TypeError(
        `cannot copy a tensor: expected ${this.dtype} ${formatShape(this.shape)}, ` +
          `got ${source.dtype} ${formatShape(source.shape)}`,
      );
    }
    const [to, from] = [this.#block, source.#block];
    if (to.host !== undefined && from.host !== undefined) {
      to.host.set(from.host);
    } else if (this.size > 0) {
      const blocks = [to.retain(), from.retain()];
      try {
        await to.ready;
        await from.ready;
        await this.#copyValues(from.value, to.value);
      } finally {
        for (const block of blocks) block.release();
      }
    }
  }

  /** Copies between this tensor and an array, in the direction that `order` gives. */
  async #copy(
    order: (mine: bigint, theirs: bigint) => [from: bigint, to: bigint],
    array: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const { native, hostInfo } = this.#core;
    const block = this.#block.retain();
    try {
      await block.ready;
      const theirs = wrap(this.#core, hostInfo, addressOf(array), this.dtype, this.shape);
      try {
        await this.#copyValues(...order(block.value, theirs), array);
      } finally {
        native.call("ReleaseValue", theirs);
      }
    } finally {
      block.release();
    }
  }

  /** `keep` is what must stay alive until the copy is done. */
  async #copyValues(from: bigint, to: bigint, keep?: unknown): Promise<void> {
    const [source, target] = [out(), out()];
    source[0] = from;
    target[0] = to;
    const { executor, env } = this.#core;
    await executor.run([["CopyTensors", env, source, target, 0n, 1]], { keep });
  }

  #fits(source: DataOf[D] | Uint8Array): void {
    const array = arrayOf(this.dtype) as unknown as { new (): unknown; readonly name: string };
    if (!(source instanceof array) && !(source instanceof Uint8Array)) {
      throw new TypeError(
        `cannot write to a ${this.dtype} tensor: expected ${array.name} or Uint8Array, got ${
          (source as object)?.constructor?.name ?? typeof source
        }`,
      );
    }
    if (source.byteLength !== this.bytes) {
      throw new TypeError(
        `cannot write to a ${this.dtype} tensor of shape ${formatShape(this.shape)}: ` +
          `expected ${this.bytes} bytes, got ${source.byteLength}`,
      );
    }
  }

  #alive(what: string): void {
    if (this.#disposed || this.#core.closed) {
      throw new TypeError(
        `cannot ${what} a tensor of shape ${formatShape(this.shape)}: it is disposed`,
      );
    }
  }

  /** @internal The value, held for whoever asked until they release it. */
  hold(core: Core): Block {
    this.#alive("bind");
    if (core !== this.#core && !(core.env === this.#core.env && this.on === "host")) {
      throw new TypeError(
        `cannot bind a tensor of ${this.#core.name} to a session of ${core.name}: ` +
          "its memory is another device's. Copy it with copyFrom",
      );
    }
    return this.#block.retain();
  }

  /** Lets go of the memory; bindings and views that use it keep it until they let go too. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#data = undefined;
    this.#close();
  }
}

/** A value over existing memory: nothing is copied or owned. */
function wrap(core: Core, info: bigint, address: bigint, dtype: DType, shape: Shape): bigint {
  const value = out();
  core.native.call(
    "CreateTensorWithDataAsOrtValue",
    info,
    address,
    byteLength(dtype, shape),
    dimensions(shape),
    shape.length,
    onnxTypeOf(dtype),
    value,
  );
  return value[0]!;
}

/**
 * Registers what the device closes if nobody else has: letting go of the block, once. Refers to no tensor,
 * so that one nobody uses is collected, and freed, before that.
 */
function own(core: Core, block: Block) {
  const owned = {
    untrack: () => {},
    close() {
      if (!core.owned.delete(owned.close)) return;
      owned.untrack();
      block.release();
    },
    collected() {
      // Its `data` may be in use after it.
      block.shared = true;
      owned.close();
    },
  };
  core.owned.add(owned.close);
  return owned;
}
