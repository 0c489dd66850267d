/**
 * Python's pickle, as far as checkpoints need it: numbers, texts, lists, tuples, dicts, and whatever a table
 * of known names makes. Nothing is imported, nothing called that the table does not hold, every other
 * instruction refused.
 *
 * Source: python/cpython, Lib/pickletools.py (the instructions and their arguments).
 */

import { fixedLengths, nameOf, prefixLengths } from "./_pickle_codes.ts";

/** What a pickle's instructions make. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | PickleValue[]
  | Tuple
  | PickleDict
  | Known
  | Made;

/** A dict; keys are what can name something. */
export type PickleDict = Map<string | number | bigint | boolean, PickleValue>;

/** A tuple. */
export class Tuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** A name that a pickle may use: as a value, or to call. */
export class Known {
  constructor(
    readonly name: string,
    readonly call?: (...values: readonly PickleValue[]) => PickleValue,
  ) {}
}

/** What known names make; pickles only pass it on. */
export abstract class Made {
  /** Its kind, for messages. */
  abstract readonly kind: string;
}

/** What a pickle may use. */
export interface PickleTable {
  /** A name such as `torch FloatStorage`, if it may be used. */
  find(module: string, name: string): Known | undefined;
  /** What lies outside the pickle, by its id. */
  persistent(id: PickleValue): PickleValue;
}

/** A pickle that cannot be read, or must not be. */
export class PickleError extends Error {
  override readonly name = "PickleError";
}

/** Runs a pickle's instructions and gives what they make. Throws a `PickleError` with the byte. */
export function unpickle(bytes: Uint8Array<ArrayBuffer>, table: PickleTable): PickleValue {
  return new Machine(bytes, table).run();
}

class Machine {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  readonly #table: PickleTable;
  readonly #stack: PickleValue[] = [];
  /** Heights of the stack where marks are. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  /** Of the instruction that is carried out. */
  #begin = 0;
  #at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>, table: PickleTable) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#table = table;
  }

  run(): PickleValue {
    while (true) {
      this.#begin = this.#at;
      const code = this.#bytes[this.#take(1)]!;
      if (code === 0x2e) { // STOP
        const value = this.#pop();
        if (this.#stack.length > 0 || this.#marks.length > 0) {
          throw this.#error("it ends with more than one value");
        }
        return value;
      }
      this.#step(code);
    }
  }

  #step(code: number): void {
    const { at, length } = this.#argument(code);
    switch (code) {
      case 0x80: { // PROTO
        const protocol = this.#bytes[at]!;
        if (protocol < 2 || protocol > 5) throw this.#error(`it is of protocol ${protocol}`);
        return;
      }
      case 0x95: // FRAME
        return;
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4b: // BININT1
        return this.#push(this.#bytes[at]!);
      case 0x4d: // BININT2
        return this.#push(this.#view.getUint16(at, true));
      case 0x4a: // BININT
        return this.#push(this.#view.getInt32(at, true));
      case 0x8a: // LONG1
        return this.#push(littleEndian(this.#bytes.subarray(at, at + length)));
      case 0x47: // BINFLOAT
        return this.#push(this.#view.getFloat64(at));
      case 0x58: // BINUNICODE
      case 0x8c: // SHORT_BINUNICODE
        return this.#push(this.#text(at, length));
      case 0x5d: // EMPTY_LIST
        return this.#push([]);
      case 0x29: // EMPTY_TUPLE
        return this.#push(new Tuple([]));
      case 0x7d: // EMPTY_DICT
        return this.#push(new Map());
      case 0x28: // MARK
        this.#marks.push(this.#stack.length);
        return;
      case 0x74: // TUPLE
        return this.#push(new Tuple(this.#popMark()));
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.#push(new Tuple(this.#popMany(code - 0x84)));
      case 0x61: { // APPEND
        const value = this.#pop();
        return void this.#list().push(value);
      }
      case 0x65: { // APPENDS
        const values = this.#popMark();
        const list = this.#list();
        for (const value of values) list.push(value);
        return;
      }
      case 0x73: // SETITEM
        return this.#setItems(this.#popMany(2));
      case 0x75: // SETITEMS
        return this.#setItems(this.#popMark());
      case 0x71: // BINPUT
        return void this.#memo.set(this.#bytes[at]!, this.#top());
      case 0x72: // LONG_BINPUT
        return void this.#memo.set(this.#view.getUint32(at, true), this.#top());
      case 0x94: // MEMOIZE
        return void this.#memo.set(this.#memo.size, this.#top());
      case 0x68: // BINGET
        return this.#recall(this.#bytes[at]!);
      case 0x6a: // LONG_BINGET
        return this.#recall(this.#view.getUint32(at, true));
      case 0x63: { // GLOBAL
        const module = this.#line();
        return this.#global(module, this.#line());
      }
      case 0x93: { // STACK_GLOBAL
        const [module, name] = this.#popMany(2);
        if (typeof module !== "string" || typeof name !== "string") {
          throw this.#error("it names something by what is no text");
        }
        return this.#global(module, name);
      }
      case 0x51: { // BINPERSID
        const id = this.#pop();
        return this.#push(this.#guarded(() => this.#table.persistent(id)));
      }
      case 0x52: // REDUCE
        return this.#reduce();
      case 0x62: { // BUILD
        // State beside the items of a dict, such as a state dict's `_metadata`: of no use here.
        const state = this.#pop();
        const target = this.#top();
        if (!(target instanceof Map && state instanceof Map)) {
          throw this.#error(`it sets the state of ${kindOf(target)}: expected a dict's`);
        }
        return;
      }
      default:
        throw this.#error(
          `it has the instruction 0x${code.toString(16).padStart(2, "0")}${
            nameOf(code)
          }, which no checkpoint of tensors and containers needs`,
        );
    }
  }

  /** Takes an instruction's argument: where it begins, and its length in bytes. */
  #argument(code: number): { at: number; length: number } {
    let length = fixedLengths.get(code) ?? 0;
    const prefix = prefixLengths.get(code);
    if (prefix !== undefined) {
      const at = this.#take(prefix);
      length = prefix === 1 ? this.#bytes[at]! : this.#view.getUint32(at, true);
    }
    return { at: this.#take(length), length };
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) throw this.#error("it ends in the middle");
    this.#at = at + length;
    return at;
  }

  #text(at: number, length: number): string {
    try {
      return utf8.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw this.#error("it has a text that is not UTF-8");
    }
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.#error("it ends in the middle");
    const at = this.#take(end + 1 - this.#at);
    return this.#text(at, end - at);
  }

  #push(value: PickleValue): void {
    this.#stack.push(value);
  }

  #top(): PickleValue {
    if (this.#stack.length <= (this.#marks.at(-1) ?? 0)) {
      throw this.#error("it takes a value where there is none");
    }
    return this.#stack.at(-1)!;
  }

  #pop(): PickleValue {
    this.#top();
    return this.#stack.pop()!;
  }

  #popMany(count: number): PickleValue[] {
    return Array.from({ length: count }, () => this.#pop()).reverse();
  }

  #popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#error("it goes back to a mark that is not there");
    return this.#stack.splice(mark);
  }

  #recall(index: number): void {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#error(`it recalls value ${index}, which it never kept`);
    this.#push(value);
  }

  #list(): PickleValue[] {
    const list = this.#top();
    if (!Array.isArray(list)) throw this.#error(`it appends to ${kindOf(list)}`);
    return list;
  }

  #setItems(values: readonly PickleValue[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map)) throw this.#error(`it sets items of ${kindOf(dict)}`);
    if (values.length % 2 !== 0) throw this.#error("it has a key without a value");
    for (let i = 0; i < values.length; i += 2) {
      const key = values[i]!;
      if (key === null || typeof key === "object") {
        throw this.#error(`it uses ${kindOf(key)} as a key: expected a text or a number`);
      }
      dict.set(key, values[i + 1]!);
    }
  }

  #global(module: string, name: string): void {
    const known = this.#table.find(module, name);
    if (known === undefined) {
      throw this.#error(
        `it wants ${
          printable(`${module}.${name}`)
        }, and only tensors and plain containers are read`,
      );
    }
    this.#push(known);
  }

  #reduce(): void {
    const [known, values] = this.#popMany(2);
    if (!(known instanceof Known && known.call && values instanceof Tuple)) {
      throw this.#error(`it calls ${kindOf(known!)}`);
    }
    const { call } = known;
    this.#push(this.#guarded(() => call(...values.items)));
  }

  /** Errors of the table, with the place. */
  #guarded<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      throw error instanceof PickleError ? this.#error(error.message) : error;
    }
  }

  #error(problem: string): PickleError {
    return new PickleError(`${problem} (byte ${this.#begin})`);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What a value is, in a message. */
export function kindOf(value: PickleValue): string {
  if (value === null) return "None";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Tuple) return "a tuple";
  if (value instanceof Map) return "a dict";
  if (value instanceof Known) return value.name;
  if (value instanceof Made) return value.kind;
  return typeof value === "string" ? "a text" : typeof value === "boolean" ? "a bool" : "a number";
}

function printable(name: string): string {
  const short = name.length > 120 ? `${name.slice(0, 120)}…` : name;
  return /^[\w.]+$/.test(short) ? short : JSON.stringify(short);
}

/** A signed number of any length; as a number where it is exact. */
function littleEndian(bytes: Uint8Array): number | bigint {
  let value = 0n;
  for (const [i, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * i);
  const signed = BigInt.asIntN(8 * bytes.length, value);
  const exact = Number(signed);
  return Number.isSafeInteger(exact) ? exact : signed;
}
