/**
 * PyTorch's checkpoints (`.pt`, `.pth`): a zip file with a pickle that describes the tensors and one record
 * of raw bytes a storage, stored as they are, so that tensors are read where they lie.
 *
 * Source: pytorch/pytorch, torch/serialization.py (`_save`, `_load`) and caffe2/serialize/inline_container.h.
 */

import {
  byteLength,
  bytesPer,
  elementCount,
  formatShape,
  type HostTensor,
  viewBytes,
} from "../tensor/mod.ts";
import { PickleError } from "./_pickle.ts";
import { openFile, readFully } from "./_read.ts";
import { show } from "./_safetensors_header.ts";
import { readTorchPickle, type TorchContents, type View } from "./_torch_pickle.ts";
import { readZip, type ZipRecord } from "./_zip.ts";
import { entryOf, type WeightEntry, type WeightFile, WeightsError } from "./weight_file.ts";

/** Longest description of the tensors that is read, in bytes; a large checkpoint's is about a megabyte. */
const pickleLimit = 64 << 20;

/**
 * Bytes that a tensor may take beyond those in the file: one with a stride of 0 repeats elements without end.
 */
const repeatLimit = 64 << 20;

/** The way out of most refusals. */
const wayOut = "take the model's .safetensors file, or have PyTorch save its state dict alone: " +
  'torch.save(torch.load("old.pt", weights_only=True), "new.pt")';

/**
 * Opens a torch checkpoint: reads its tables and its pickle, in which only tensors and plain containers are
 * understood. Tensors of nested containers have dotted names, such as `generator.model.head.head.weight`;
 * `metadata` holds the numbers and texts beside them, `groups` the outermost containers.
 *
 * A tensor whose elements do not lie row by row (transposed, strided, expanded) has `inPlace: false` and is
 * put in order when it is read.
 *
 * Throws a `WeightsError` for a file that is damaged, of another format, or asks for anything else.
 */
export async function openTorch(path: string): Promise<WeightFile> {
  await refuseOtherFormats(path);
  const records = await readZip(path);
  const roots = [...records.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (roots.length !== 1) {
    throw new WeightsError(
      path,
      roots.length === 0
        ? "it is a zip file without a data.pkl: is it a torch checkpoint?"
        : `it has ${roots.length} descriptions of tensors: ${roots.slice(0, 4).join(", ")}`,
    );
  }
  const root = roots[0]!.slice(0, -"data.pkl".length);
  await checkByteOrder(path, records.get(`${root}byteorder`));
  const { views, values, groups } = await readContents(path, records.get(roots[0]!)!);
  const tensors = new Map<string, WeightEntry>();
  for (const [name, view] of views) {
    tensors.set(name, entryFor(path, name, view, records.get(`${root}data/${view.storage.key}`)));
  }
  const result: WeightFile = {
    path,
    metadata: values,
    tensors,
    groups,
    async read(name) {
      const { dtype, shape, length } = entryOf(result, name);
      const bytes = new Uint8Array(length);
      await result.readInto(name, bytes);
      return { dtype, shape, data: viewBytes(dtype, bytes) } as HostTensor;
    },
    async readInto(name, target) {
      const { offset, length, inPlace } = entryOf(result, name);
      if (target.length !== length) {
        throw new RangeError(
          `cannot read tensor ${
            show(name)
          }: expected room for ${length} bytes, got ${target.length}`,
        );
      }
      using file = await openFile(path);
      const what = `tensor ${show(name)}`;
      if (inPlace !== false) return await readFully(file, path, offset, target, what);
      const view = views.get(name)!;
      const source = new Uint8Array(view.extent * bytesPer(view.storage.dtype));
      await readFully(file, path, offset, source, what);
      gather(view, source, target);
    },
  };
  return result;
}

/** The way out for files that look like checkpoints and are none that can be read in place. */
async function refuseOtherFormats(path: string): Promise<void> {
  using file = await openFile(path);
  const head = new Uint8Array(16);
  const length = await file.read(head) ?? 0;
  if (length === 0) throw new WeightsError(path, "the file is empty");
  if (head[0] === 0x50 && head[1] === 0x4b) return; // PK
  if (head[0] === 0x80) {
    // A pickle; the old format begins with one of the number 0x1950a86a20f9469cfc6c.
    const legacy = head[2] === 0x8a && head[3] === 10 && head[4] === 0x6c && head[5] === 0xfc;
    throw new WeightsError(
      path,
      legacy
        ? `it is in the legacy format of PyTorch before 1.6, which has no zip around it: ${wayOut}`
        : `it is a bare pickle, not a checkpoint of torch.save: ${wayOut}`,
    );
  }
  throw new WeightsError(path, "it does not begin as a zip file: is it a torch checkpoint?");
}

async function checkByteOrder(path: string, record: ZipRecord | undefined): Promise<void> {
  if (!record) return;
  const bytes = new Uint8Array(Math.min(record.length, 16));
  using file = await openFile(path);
  await readFully(file, path, record.offset, bytes, "its byte order");
  const order = new TextDecoder().decode(bytes);
  if (order !== "little") {
    throw new WeightsError(path, `its numbers are ${show(order)}-endian: expected "little"`);
  }
}

async function readContents(path: string, record: ZipRecord): Promise<TorchContents> {
  if (record.length > pickleLimit) {
    throw new WeightsError(
      path,
      `its data.pkl has ${record.length} bytes: expected at most ${pickleLimit}`,
    );
  }
  const bytes = new Uint8Array(record.length);
  {
    using file = await openFile(path);
    await readFully(file, path, record.offset, bytes, "its data.pkl");
  }
  try {
    return readTorchPickle(bytes);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
    throw new WeightsError(path, `its data.pkl is refused: ${error.message}. Instead, ${wayOut}`, {
      cause: error,
    });
  }
}

function entryFor(
  path: string,
  name: string,
  view: View,
  record: ZipRecord | undefined,
): WeightEntry {
  const { storage, first, shape, dense } = view;
  const { dtype, key, count } = storage;
  const fail = (problem: string) => new WeightsError(path, `tensor ${show(name)} ${problem}`);
  if (!record) throw fail(`is in the record ${show(`data/${key}`)}, which is not there`);
  const size = bytesPer(dtype);
  if (Math.floor(record.length / size) !== count) {
    throw fail(
      `is in a storage of ${count} elements of ${dtype}, but its record ${show(`data/${key}`)} ` +
        `has ${record.length} bytes`,
    );
  }
  const length = byteLength(dtype, shape);
  if (length > view.extent * size + repeatLimit) {
    throw fail(
      `has ${formatShape(shape)} elements of ${dtype}, ${length} bytes, and only ` +
        `${view.extent * size} bytes in the file: it repeats them`,
    );
  }
  const entry = { dtype, shape, offset: record.offset + first * size, length };
  return dense ? entry : { ...entry, inPlace: false };
}

/** Typed arrays that move elements of a size without looking at them. */
const movers = { 1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64" } as const;

/** Copies a view's elements row by row; `source` begins at the first of them. */
function gather(
  { shape, strides, storage }: View,
  source: Uint8Array<ArrayBuffer>,
  target: Uint8Array,
): void {
  const count = elementCount(shape);
  const mover = movers[bytesPer(storage.dtype)];
  const from = viewBytes(mover, source) as Uint32Array;
  const aligned = target.byteOffset % bytesPer(mover) === 0
    ? target
    : new Uint8Array(target.length);
  const to = viewBytes(mover, aligned) as Uint32Array;
  const last = shape.length - 1;
  const width = shape[last] ?? 1;
  const step = strides[last] ?? 0;
  const index = new Array<number>(Math.max(0, last)).fill(0);
  let row = 0;
  for (let at = 0; at < count; at += width) {
    for (let i = 0; i < width; i++) to[at + i] = from[row + i * step]!;
    for (let axis = last - 1; axis >= 0; axis--) {
      row += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      row -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  if (aligned !== target) target.set(aligned);
}
