/** What the pickle inside a torch checkpoint may use, and what it describes. */

import { type DType, elementCount, formatShape, type Shape, stridesOf } from "../tensor/mod.ts";
import {
  Known,
  Made,
  type PickleDict,
  PickleError,
  type PickleTable,
  type PickleValue,
  Tuple,
  unpickle,
} from "./_pickle.ts";

/** Elements that tensors are views of. */
export class Storage extends Made {
  readonly kind = "a storage";

  /**
   * @param key name of its record below `data/`
   * @param count elements
   */
  constructor(readonly dtype: DType, readonly key: string, readonly count: number) {
    super();
  }
}

/** A view of a storage. */
export class View extends Made {
  readonly kind = "a tensor";

  /**
   * @param first element of the storage that it begins with
   * @param strides elements to step over per axis
   */
  constructor(
    readonly storage: Storage,
    readonly first: number,
    readonly shape: Shape,
    readonly strides: readonly number[],
  ) {
    super();
  }

  /** Elements of the storage from the first that it looks at to the last. */
  get extent(): number {
    if (this.shape.includes(0)) return 0;
    return this.shape.reduce((sum, size, axis) => sum + (size - 1) * this.strides[axis]!, 1);
  }

  /** Whether its elements lie row by row, with nothing between them. */
  get dense(): boolean {
    const dense = stridesOf(this.shape);
    return this.shape.includes(0) ||
      this.shape.every((size, axis) => size === 1 || this.strides[axis] === dense[axis]);
  }
}

/** A device, which a checkpoint may name and nobody here asks about. */
class Place extends Made {
  readonly kind = "a device";
}

const storages: Readonly<Record<string, DType>> = {
  DoubleStorage: "float64",
  FloatStorage: "float32",
  HalfStorage: "float16",
  BFloat16Storage: "bfloat16",
  LongStorage: "int64",
  IntStorage: "int32",
  ShortStorage: "int16",
  CharStorage: "int8",
  ByteStorage: "uint8",
  BoolStorage: "bool",
};

const storageTypes = new Map(
  Object.keys(storages).map((name) => [name, new Known(`torch.${name}`)] as const),
);
const dtypeOfStorage = new Map(
  [...storageTypes].map(([name, known]) => [known, storages[name]!] as const),
);

/** Element types as values, such as `torch.bfloat16`. */
const dtypeNames = new Set(
  ("float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool double float half long int " +
    "short").split(" "),
);

const calls: Readonly<Record<string, NonNullable<Known["call"]>>> = {
  "collections.OrderedDict": (...values) => {
    if (values.length > 0) throw new PickleError("it makes an OrderedDict of something");
    return new Map();
  },
  "torch.Size": (sizes) => {
    if (!(sizes instanceof Tuple)) throw new PickleError("it makes a torch.Size of no tuple");
    return sizes;
  },
  "torch.device": () => new Place(),
  "torch._utils._rebuild_parameter": (tensor) => {
    if (!(tensor instanceof View)) throw new PickleError("it makes a parameter of no tensor");
    return tensor;
  },
  "torch._utils._rebuild_tensor_v2": (storage, first, shape, strides) => {
    if (!(storage instanceof Storage)) throw new PickleError("it makes a tensor of no storage");
    return viewOf(storage, first, shape, strides);
  },
};

const table: PickleTable = {
  find(module, name) {
    const path = `${module}.${name}`;
    if (Object.hasOwn(calls, path)) return new Known(path, calls[path]);
    if (module !== "torch") return undefined;
    return storageTypes.get(name) ?? (dtypeNames.has(name) ? new Known(path) : undefined);
  },
  persistent(id) {
    const [what, type, key, , count] = id instanceof Tuple ? id.items : [];
    const dtype = type instanceof Known ? dtypeOfStorage.get(type) : undefined;
    if (what !== "storage" || !dtype || typeof key !== "string" || !isSize(count)) {
      throw new PickleError("it points to something outside that is no storage of a known type");
    }
    return new Storage(dtype, key, count);
  },
};

function viewOf(
  storage: Storage,
  first: PickleValue | undefined,
  shape: PickleValue | undefined,
  strides: PickleValue | undefined,
): View {
  const sizes = sizesOf(shape);
  const steps = sizesOf(strides);
  if (!isSize(first) || !sizes || !steps || sizes.length !== steps.length) {
    throw new PickleError("it has a tensor without whole sizes and strides from 0");
  }
  const view = new View(storage, first, sizes, steps);
  try {
    elementCount([...sizes, 8]);
  } catch {
    throw new PickleError(`it has a tensor of an impossible shape, ${formatShape(sizes)}`);
  }
  if (!(first + view.extent <= storage.count)) {
    throw new PickleError(
      `it has a tensor ${formatShape(sizes)} that looks at ${first + view.extent} elements of ` +
        `storage ${JSON.stringify(storage.key)}, which has ${storage.count}`,
    );
  }
  return view;
}

function sizesOf(value: PickleValue | undefined): number[] | undefined {
  const items = value instanceof Tuple && value.items.length <= 64 ? value.items : undefined;
  return items?.every(isSize) ? items.slice() as number[] : undefined;
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** Containers in containers, at most. */
const depthLimit = 64;

/** Values that are looked at, at most: containers may be shared, and so hold more than the file is long. */
const visitLimit = 200_000;

/** Characters of a dotted name, at most. */
const nameLimit = 1000;

/** What a checkpoint's pickle holds, by dotted names such as `generator.model.head.head.weight`. */
export interface TorchContents {
  readonly views: ReadonlyMap<string, View>;
  /** Numbers and texts beside the tensors. */
  readonly values: ReadonlyMap<string, string>;
  /** The outermost containers that hold tensors. */
  readonly groups: readonly string[];
}

/** Reads a checkpoint's pickle. Throws a `PickleError`. */
export function readTorchPickle(bytes: Uint8Array<ArrayBuffer>): TorchContents {
  const root = unpickle(bytes, table);
  if (root instanceof View) {
    return { views: new Map([["tensor", root]]), values: new Map(), groups: [] };
  }
  const views = new Map<string, View>();
  const values = new Map<string, string>();
  const groups: string[] = [];
  let visits = 0;

  function visit(value: PickleValue, name: string, depth: number): void {
    if (++visits > visitLimit) throw new PickleError(`it holds more than ${visitLimit} values`);
    if (depth > depthLimit) {
      throw new PickleError(
        `its containers are more than ${depthLimit} deep, or one holds itself (${short(name)})`,
      );
    }
    if (name.length > nameLimit) {
      throw new PickleError(`it has a name that is too long, ${short(name)}`);
    }
    if (value instanceof View) {
      if (views.has(name)) throw new PickleError(`it has the name ${short(name)} twice`);
      views.set(name, value);
      return;
    }
    const items = itemsOf(value);
    if (!items) {
      if (value === null || typeof value !== "object") values.set(name, plainText(value));
      if (value instanceof Known) values.set(name, value.name);
      return;
    }
    const before = views.size;
    for (const [key, item] of items) {
      visit(item, depth === 0 ? `${key}` : `${name}.${key}`, depth + 1);
    }
    if (depth === 1 && views.size > before) groups.push(name);
  }

  visit(root, "", 0);
  return { views, values, groups };
}

function itemsOf(
  value: PickleValue,
): Iterable<readonly [string | number | bigint | boolean, PickleValue]> | undefined {
  if (value instanceof Map) return value as PickleDict;
  if (Array.isArray(value)) return value.entries();
  return value instanceof Tuple ? value.items.entries() : undefined;
}

function plainText(value: string | number | bigint | boolean | null): string {
  const text = String(value);
  return text.length > 1000 ? `${text.slice(0, 1000)}…` : text;
}

function short(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
