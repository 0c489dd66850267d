/** The library opened in this thread: calls by name, checked by one gate. */

import { apiVersion, type Entry, type Name, type Parameter, table } from "./_api.ts";
import { LibraryError, OrtError } from "./errors.ts";
import { systemLibrary, turnTelemetryOff } from "./_telemetry.ts";

/** Memory handed to ONNX Runtime for the time of one call. */
export type Buffer = ArrayBufferView<ArrayBuffer>;

interface ArgumentOf {
  readonly handle: bigint;
  /** Its address, or a typed array; null for none. */
  readonly buffer: Buffer | bigint | null;
  readonly i32: number;
  readonly usize: number | bigint;
  readonly i64: bigint;
}

/** Arguments of a function of the table. */
export type Arguments<N extends Name> = typeof table[N]["parameters"] extends
  infer P extends readonly Parameter[] ? { -readonly [I in keyof P]: ArgumentOf[P[I]] } : never;

interface ResultOf {
  readonly status: void;
  readonly void: void;
  readonly handle: bigint;
  readonly i32: number;
}

/** What a function of the table gives; a bad status is thrown as an OrtError. */
export type Result<N extends Name> = ResultOf[typeof table[N]["result"]];

/** ONNX Runtime's functions, in the thread that opened them. */
export interface Native {
  /** The library's file. */
  readonly path: string;
  /** Version of the library, such as `1.30.0`. */
  readonly version: string;
  /** Calls a function; a status that is not OK is released and thrown as an OrtError. */
  call<N extends Name>(name: N, ...args: Arguments<N>): Result<N>;
  /** The call without its types, for calls that come from another thread: addresses and numbers only. */
  callRaw(name: Name, args: readonly (bigint | number)[]): bigint | number | undefined;
}

const ffiTypes = { handle: "u64", buffer: "u64", i32: "i32", usize: "u64", i64: "i64" } as const;
const ffiResults = { status: "u64", void: "void", handle: "u64", i32: "i32" } as const;

const opened = new Map<string, Native>();

/** What the call that is being made in this thread reads and writes. */
const inUse: unknown[] = [];

/** Opens the library, once a thread. Throws a LibraryError where the file is not the right library. */
export function openNative(path: string): Native {
  let native = opened.get(path);
  if (native === undefined) opened.set(path, native = load(path));
  return native;
}

function load(path: string): Native {
  const { base, getApi, version } = open(path);
  if (base === 0n || getApi === 0n) {
    throw new LibraryError(
      `cannot use ${path}: expected ONNX Runtime 1.${apiVersion} or newer, got ${version}`,
    );
  }
  // deno-lint-ignore no-explicit-any
  const functions = new Map<Name, (...args: any[]) => any>();
  const slots = new Deno.UnsafePointerView(pointer(getApi));

  // deno-lint-ignore no-explicit-any
  function bound(name: Name): (...args: any[]) => any {
    let call = functions.get(name);
    if (call === undefined) {
      const entry: Entry = table[name];
      const target: Deno.PointerObject<never> = pointer(slots.getBigUint64(8 * entry.slot));
      const native = new Deno.UnsafeFnPointer(target, {
        parameters: entry.parameters.map((parameter) => ffiTypes[parameter]),
        result: ffiResults[entry.result],
      });
      call = (...args) => native.call(...args as (bigint | number)[]);
      functions.set(name, call);
    }
    return call;
  }

  function callRaw(name: Name, args: readonly (bigint | number)[]): bigint | number | undefined {
    const result = bound(name)(...args);
    if (table[name].result !== "status") return result;
    if (result !== 0n) throw errorOf(name, result);
  }

  /** The one gate that a status passes: it becomes an error and is released. */
  function errorOf(name: Name, status: bigint): OrtError {
    try {
      const message = readText(bound("GetErrorMessage")(status));
      return new OrtError(name, bound("GetErrorCode")(status), message);
    } finally {
      bound("ReleaseStatus")(status);
    }
  }

  return {
    path,
    version,
    callRaw,
    call: (name, ...args) => {
      // The callee has addresses alone: without this, arrays that nobody asks for later may be collected meanwhile.
      inUse.push(args);
      try {
        return callRaw(name, addresses(args)) as never;
      } finally {
        inUse.pop();
      }
    },
  };
}

/** Opens the shared library and asks for the table; `getApi` is 0n where the version has none. */
function open(path: string) {
  turnTelemetryOff();
  let library;
  try {
    library = Deno.dlopen(path, { OrtGetApiBase: { parameters: [], result: "u64" } });
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new LibraryError(
      `cannot open ${path} as ONNX Runtime's library: ${(cause as Error).message}`,
      { cause },
    );
  }
  // struct OrtApiBase { const OrtApi* GetApi(uint32_t version); const char* GetVersionString(); }
  const base = library.symbols.OrtGetApiBase();
  const view = new Deno.UnsafePointerView(pointer(base));
  const getApi = new Deno.UnsafeFnPointer(pointer(view.getBigUint64(0)), {
    parameters: ["u32"],
    result: "u64",
  });
  const getVersion = new Deno.UnsafeFnPointer(pointer(view.getBigUint64(8)), {
    parameters: [],
    result: "u64",
  });
  return { base, getApi: getApi.call(apiVersion), version: readText(getVersion.call()) };
}

/**
 * Keeps the library in the process to its end. Deno closes a library with the thread that opened it, and the
 * system unloads it with the last: under the feet of threads that ONNX Runtime and the graphics driver have
 * running. One more opening, which nobody closes, prevents that.
 */
export function pin(path: string): void {
  try {
    if (Deno.build.os === "windows") {
      const kernel = Deno.dlopen("kernel32.dll", {
        LoadLibraryW: { parameters: ["buffer"], result: "pointer" },
      });
      kernel.symbols.LoadLibraryW(pathText(path) as Uint16Array<ArrayBuffer>);
      kernel.close();
    } else {
      const libc = Deno.dlopen(systemLibrary, {
        dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
      });
      // RTLD_NOW
      libc.symbols.dlopen(text(path), 2);
      libc.close();
    }
  } catch {
    // A system whose C library has another name: it goes without.
  }
}

/** Arguments as they travel: typed arrays become their addresses; whoever calls keeps them alive. */
export function addresses(args: readonly unknown[]): (bigint | number)[] {
  return args.map((arg) => {
    if (arg === null) return 0n;
    return typeof arg === "object" ? addressOf(arg as Buffer) : arg as bigint | number;
  });
}

/** Address of a typed array's first byte; valid while the array is alive and not detached. */
export function addressOf(array: Buffer): bigint {
  // Asking for the buffer first moves the elements of a small array out of the heap, where they could move.
  void array.buffer;
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(array));
}

function pointer<T>(address: bigint): Deno.PointerObject<T> {
  const object = Deno.UnsafePointer.create<T>(address);
  if (object === null) throw new LibraryError("cannot use a null pointer of ONNX Runtime's API");
  return object;
}

/** A place for `count` handles or sizes that a function gives back. */
export function out(count = 1): BigUint64Array<ArrayBuffer> {
  return new BigUint64Array(new ArrayBuffer(8 * count));
}

/** A C string. */
export function text(value: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(value + "\0");
}

/** A path as the C API takes it: UTF-16 on Windows, bytes elsewhere. */
export function pathText(path: string): Buffer {
  if (Deno.build.os !== "windows") return text(path);
  const units = new Uint16Array(path.length + 1);
  for (let i = 0; i < path.length; i++) units[i] = path.charCodeAt(i);
  return units;
}

/** The strings that arrays of addresses lead to, alive as long as those. */
const pointedTo = new WeakMap<BigUint64Array, readonly Buffer[]>();

/** C strings side by side: `pointers` is a `const char* const*`, valid while it is alive itself. */
export function texts(values: readonly string[]): {
  readonly pointers: BigUint64Array<ArrayBuffer>;
  readonly strings: readonly Buffer[];
} {
  const strings = values.map(text);
  const pointers = out(Math.max(1, strings.length));
  strings.forEach((string, index) => pointers[index] = addressOf(string));
  pointedTo.set(pointers, strings);
  return { pointers, strings };
}

/** A shape as `int64_t*`; one unread element where there are no axes. */
export function dimensions(shape: readonly number[]): BigInt64Array<ArrayBuffer> {
  const result = new BigInt64Array(new ArrayBuffer(8 * Math.max(1, shape.length)));
  shape.forEach((size, axis) => result[axis] = BigInt(size));
  return result;
}

/** The C string at an address; empty for null. */
export function readText(address: bigint): string {
  return address === 0n ? "" : Deno.UnsafePointerView.getCString(pointer(address));
}

/** `count` addresses or sizes of 8 bytes that lie at an address. */
export function readHandles(address: bigint, count: number): bigint[] {
  if (count === 0) return [];
  const view = new Deno.UnsafePointerView(pointer(address));
  return Array.from({ length: count }, (_, index) => view.getBigUint64(8 * index));
}

/** A copy of the bytes that lie at an address. */
export function readBytes(address: bigint, length: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(length);
  if (length > 0) Deno.UnsafePointerView.copyInto(pointer(address), result);
  return result;
}
