/** Torch checkpoints made by hand: zip files and pickles, whole or broken. */

/** A record of a zip file, and what its tables say of it where that is not the truth. */
export interface ZipPart {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly begin?: number;
}

/** A zip file with records stored as they are. */
export function zipOf(parts: readonly ZipPart[], comment = ""): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const u16 = (value: number) => bytes.push(value & 255, value >>> 8 & 255);
  const u32 = (value: number) => (u16(value & 0xffff), u16(value >>> 16));
  const text = new TextEncoder();
  const begins: number[] = [];
  for (const { name, data, method = 0, flags = 0 } of parts) {
    begins.push(bytes.length);
    const encoded = text.encode(name);
    u32(0x04034b50), u16(20), u16(flags), u16(method), u32(0), u32(0);
    u32(0), u32(0), u16(encoded.length), u16(0);
    bytes.push(...encoded);
    for (const byte of data) bytes.push(byte);
  }
  const table = bytes.length;
  for (const [i, { name, data, method = 0, flags = 0, size, begin }] of parts.entries()) {
    const encoded = text.encode(name);
    u32(0x02014b50), u16(20), u16(20), u16(flags), u16(method), u32(0), u32(0);
    u32(data.length), u32(size ?? data.length), u16(encoded.length), u16(0), u16(0), u16(0), u16(0);
    u32(0), u32(begin ?? begins[i]!);
    bytes.push(...encoded);
  }
  const length = bytes.length - table;
  u32(0x06054b50), u16(0), u16(0), u16(parts.length), u16(parts.length), u32(length), u32(table);
  u16(comment.length), bytes.push(...text.encode(comment));
  return new Uint8Array(bytes);
}

/** A checkpoint of one pickle and storages of these bytes. */
export function torchFile(
  pickle: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
): Uint8Array<ArrayBuffer> {
  return zipOf([
    { name: "archive/data.pkl", data: pickle },
    ...Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, data })),
  ]);
}

type Item = number | string | readonly number[];

/** A pickle of these instructions: bytes, and texts for what they spell (`c` and the like included). */
export function pickleOf(...items: readonly Item[]): Uint8Array<ArrayBuffer> {
  const bytes = [0x80, 2];
  for (const item of items) {
    if (typeof item === "number") bytes.push(item);
    else if (typeof item === "string") bytes.push(...new TextEncoder().encode(item));
    else for (const byte of item) bytes.push(byte);
  }
  bytes.push(0x2e);
  return new Uint8Array(bytes);
}

/** BINUNICODE. */
export function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [0x58, ...le(bytes.length, 4), ...bytes];
}

/** A whole number: BININT, or LONG1 of eight bytes. */
export function int(value: number): number[] {
  return Math.abs(value) < 2 ** 31 ? [0x4a, ...le(value, 4)] : [0x8a, 8, ...le(value, 8)];
}

/** A tuple of values. */
export function tuple(...values: readonly (readonly number[])[]): number[] {
  return [0x28, ...values.flat(), 0x74];
}

/** A global name. */
export function named(module: string, name: string): number[] {
  return [...new TextEncoder().encode(`c${module}\n${name}\n`)];
}

export interface TensorFields {
  readonly key?: string;
  readonly type?: string;
  readonly count?: number;
  readonly first?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** A tensor as torch.save describes it. */
export function tensor(fields: TensorFields): number[] {
  const { key = "0", type = "FloatStorage", count = 4, first = 0, shape, strides } = fields;
  const id = tuple(text("storage"), named("torch", type), text(key), text("cpu"), int(count));
  const hooks = [...named("collections", "OrderedDict"), 0x29, 0x52];
  return [
    ...named("torch._utils", "_rebuild_tensor_v2"),
    ...tuple(
      [...id, 0x51],
      int(first),
      tuple(...shape.map(int)),
      tuple(...strides.map(int)),
      [0x89],
      hooks,
    ),
    0x52,
  ];
}

/** A dict of texts to values. */
export function dict(items: Readonly<Record<string, readonly number[]>>): number[] {
  return [
    0x7d,
    0x28,
    ...Object.entries(items).flatMap(([key, value]) => [...text(key), ...value]),
    0x75,
  ];
}

function le(value: number, bytes: number): number[] {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, BigInt(value), true);
  return Array.from({ length: bytes }, (_, i) => view.getUint8(i));
}
