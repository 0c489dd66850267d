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

/**
 * Writes a checkpoint in the zip64 form whose storage lies at byte `at`; what is between takes no room on the disk.
 */
export async function writeFarTorchFile(
  path: string,
  pickle: Uint8Array,
  storage: Uint8Array,
  at: number,
): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  let end = 0;
  async function put(bytes: Uint8Array): Promise<void> {
    await file.seek(end, Deno.SeekMode.Start);
    end += await file.write(bytes);
  }
  const parts = [["a/data.pkl", pickle, 0], ["a/data/0", storage, at]] as const;
  const names = parts.map(([name]) => new TextEncoder().encode(name));
  for (const [i, [name, data, begin]] of parts.entries()) {
    end = begin;
    await put(packed("4 222 22 444 22", 0x04034b50, 45, 0x808, 0, 0, 0, 0, 0, 0, name.length, 0));
    await put(names[i]!);
    await put(data);
  }
  const table = end;
  const far = 0xffffffff;
  for (const [i, [name, { length }, begin]] of parts.entries()) {
    await put(packed("4 2222 22 4", 0x02014b50, 45, 45, 0x808, 0, 0, 0, 0));
    await put(packed("44 222 22 44", far, far, name.length, 28, 0, 0, 0, 0, far));
    await put(names[i]!);
    await put(packed("22 888", 1, 24, length, length, begin));
  }
  const record = end;
  await put(packed("48 22 44 88 88", 0x06064b50, 44, 45, 45, 0, 0, 2, 2, record - table, table));
  await put(packed("4484", 0x07064b50, 0, record, 1));
  await put(packed("4 22 22 44 2", 0x06054b50, 0, 0, 0xffff, 0xffff, far, far, 0));
}

/** Whole numbers one behind the other, little-endian; the layout has the bytes of each. */
function packed(layout: string, ...values: readonly number[]): Uint8Array {
  const sizes = [...layout.replaceAll(" ", "")].map(Number);
  return new Uint8Array(sizes.flatMap((bytes, i) => le(values[i]!, bytes)));
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
