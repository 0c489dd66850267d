/**
 * A CPU device on which float16 is float16. ONNX Runtime's CPU provider has hardly a kernel for it: it casts to float32
 * before an operator and back behind it, and takes out the casts between two operators (insert_cast_transformer.cc), so
 * that chains compute in float32 and what is measured on them would be no error at all. Here every float16 value
 * goes through an operator that has such a kernel, the larger of the value and −∞, and twice, since one alone between
 * two that have none is made to compute in float32 too.
 *
 * What that is like: sums inside an operator in float32, every result rounded to float16, as CUDA's kernels do.
 */

import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Device } from "../engine/runtime/mod.ts";

const FLOAT16 = 10;

/** The same device, whose sessions round every float16 value. */
export function rounding(device: Device): Device {
  return {
    kind: device.kind,
    name: device.name,
    threads: device.threads,
    get busySeconds() {
      return device.busySeconds;
    },
    createSession: (model, options) => device.createSession(withRounding(model), options),
    createTensor: (dtype, shape, options) => device.createTensor(dtype, shape, options),
    [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
  };
}

/** The ONNX file with every float16 result of a node rounded. */
export function withRounding(model: Uint8Array): Uint8Array {
  return rewrite(model, (field, bytes) => field === 7 ? roundGraph(bytes!) : undefined);
}

interface NodeProto {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Of a Cast. */
  readonly to: number | undefined;
}

function roundGraph(bytes: Uint8Array): Uint8Array {
  const types = new Map<string, number>();
  const outputs = new Set<string>();
  for (const { field, bytes: part } of fieldsOf(bytes)) {
    if (field === 5) {
      const fields = fieldsOf(part!);
      const name = fields.find(({ field }) => field === 8)!;
      types.set(text(name.bytes!), Number(fields.find(({ field }) => field === 2)!.value));
    } else if (field === 11) types.set(nameOf(part!), elementTypeOf(part!));
    else if (field === 12) outputs.add(nameOf(part!));
  }
  let rounded = 0;
  const writer = new BinaryWriter();
  for (const { field, bytes: part, raw } of fieldsOf(bytes)) {
    if (field !== 1) {
      writer.raw(raw);
      continue;
    }
    const node = readNode(part!);
    // Every operator in use gives the type of its first operand, but for Cast.
    const type = node.to ?? types.get(node.inputs.find((name) => name !== "")!)!;
    for (const name of node.outputs) types.set(name, type);
    const rounds = type === FLOAT16 && !node.outputs.every((name) => outputs.has(name));
    const unrounded = new Map(
      rounds
        ? node.outputs.filter((name) => !outputs.has(name)).map((name) => [name, `${name}/exact`])
        : [],
    );
    writeNode(writer, part!, unrounded);
    for (const [name, exact] of unrounded) {
      rounded++;
      writeMax(writer, exact, `${name}/once`);
      writeMax(writer, `${name}/once`, name);
    }
  }
  if (rounded > 0) {
    const lowest = new BinaryWriter();
    lowest.tag(2, WireType.Varint).int32(FLOAT16);
    lowest.tag(8, WireType.LengthDelimited).string("lowest");
    lowest.tag(9, WireType.LengthDelimited).bytes(Uint8Array.of(0x00, 0xfc));
    writer.tag(5, WireType.LengthDelimited).bytes(lowest.finish());
  }
  return writer.finish();
}

function writeMax(writer: BinaryWriter, input: string, output: string): void {
  const max = new BinaryWriter();
  for (const name of [input, "lowest"]) max.tag(1, WireType.LengthDelimited).string(name);
  max.tag(2, WireType.LengthDelimited).string(output);
  max.tag(3, WireType.LengthDelimited).string(`${output}/rounded`);
  max.tag(4, WireType.LengthDelimited).string("Max");
  writer.tag(1, WireType.LengthDelimited).bytes(max.finish());
}

/** Writes a node with other names for its results. */
function writeNode(
  writer: BinaryWriter,
  bytes: Uint8Array,
  outputs: ReadonlyMap<string, string>,
): void {
  const node = rewrite(bytes, (field, part) => {
    const name = field === 2 ? outputs.get(text(part!)) : undefined;
    return name === undefined ? undefined : new TextEncoder().encode(name);
  });
  writer.tag(1, WireType.LengthDelimited).bytes(node);
}

function readNode(bytes: Uint8Array): NodeProto {
  const fields = fieldsOf(bytes);
  const strings = (wanted: number) =>
    fields.filter(({ field }) => field === wanted).map(({ bytes }) => text(bytes!));
  const [operator = ""] = strings(4);
  let to: number | undefined;
  if (operator === "Cast") {
    const attribute = fieldsOf(fields.find(({ field }) => field === 5)!.bytes!);
    to = Number(attribute.find(({ field }) => field === 3)!.value);
  }
  return { inputs: strings(1), outputs: strings(2), to };
}

interface Field {
  readonly field: number;
  /** Of a length-delimited one. */
  readonly bytes: Uint8Array | undefined;
  /** Of a varint. */
  readonly value: string | number | undefined;
  /** Tag and all. */
  readonly raw: Uint8Array;
}

function fieldsOf(bytes: Uint8Array): Field[] {
  const reader = new BinaryReader(bytes);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const begin = reader.pos;
    const [field, wire] = reader.tag();
    let part: Uint8Array | undefined;
    let value: string | number | undefined;
    if (wire === WireType.LengthDelimited) part = reader.bytes();
    else if (wire === WireType.Varint) value = reader.int64() as string | number;
    else reader.skip(wire, field);
    fields.push({ field, bytes: part, value, raw: bytes.subarray(begin, reader.pos) });
  }
  return fields;
}

/** A message with some of its length-delimited fields changed. */
function rewrite(
  bytes: Uint8Array,
  change: (field: number, bytes: Uint8Array | undefined) => Uint8Array | undefined,
): Uint8Array {
  const writer = new BinaryWriter();
  for (const { field, bytes: part, raw } of fieldsOf(bytes)) {
    const changed = part && change(field, part);
    if (changed) writer.tag(field, WireType.LengthDelimited).bytes(changed);
    else writer.raw(raw);
  }
  return writer.finish();
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function nameOf(valueInfo: Uint8Array): string {
  return text(fieldsOf(valueInfo).find(({ field }) => field === 1)!.bytes!);
}

function elementTypeOf(valueInfo: Uint8Array): number {
  const type = fieldsOf(valueInfo).find(({ field }) => field === 2)!.bytes!;
  const tensor = fieldsOf(type).find(({ field }) => field === 1)!.bytes!;
  return Number(fieldsOf(tensor).find(({ field }) => field === 1)!.value);
}
