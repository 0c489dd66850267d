/** Members of a wheel, unpacked and checked. */

import { createHash } from "node:crypto";
import { crc32 } from "./_crc32.ts";
import { DownloadError } from "./_requests.ts";

/** What an unpacked member must be. */
export interface Unpacked {
  /** In messages. */
  readonly what: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly bytes: number;
  readonly crc32: number;
}

/** A member that is broken: what came must be thrown away. */
export class DamagedMember extends Error {
  override readonly name = "DamagedMember";
}

/**
 * The bytes of a member, a piece at a time, not one more than it should have. Throws a `DamagedMember` at
 * the end where size or CRC-32 are others.
 */
export async function* unpack(
  packed: ReadableStream<Uint8Array<ArrayBuffer>>,
  { what, method, bytes, crc32: expected }: Unpacked,
): AsyncGenerator<Uint8Array> {
  const plain = method === 8 ? packed.pipeThrough(new DecompressionStream("deflate-raw")) : packed;
  let [done, sum] = [0, 0];
  const reader = plain.getReader();
  try {
    for (;;) {
      const { value, done: end } = await reader.read().catch((cause) => {
        throw cause instanceof TypeError
          ? new DamagedMember(`${what} cannot be unpacked (${cause.message})`, { cause })
          : cause;
      });
      if (end) break;
      done += value.length;
      if (done > bytes) {
        throw new DamagedMember(`${what} is longer than the ${bytes} bytes it should have`);
      }
      sum = crc32(value, sum);
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
  if (done !== bytes) throw new DamagedMember(`${what}: expected ${bytes} bytes, got ${done}`);
  if (sum !== expected) {
    const hex = (value: number) => value.toString(16).padStart(8, "0");
    throw new DamagedMember(`${what}: expected the CRC-32 ${hex(expected)}, got ${hex(sum)}`);
  }
}

/** A small member in memory. */
export async function unpackBytes(
  packed: Uint8Array<ArrayBuffer>,
  expected: Unpacked,
): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([packed]).stream();
  const whole = new Uint8Array(expected.bytes);
  let at = 0;
  for await (const part of unpack(stream, expected)) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Unpacks part of a file into another; gives the SHA-256 in hexadecimal. */
export async function unpackFile(
  source: { readonly path: string; readonly begin: number; readonly length: number },
  target: string,
  expected: Unpacked,
  signal: AbortSignal | undefined,
): Promise<string> {
  using from = await Deno.open(source.path);
  await from.seek(source.begin, Deno.SeekMode.Start);
  let left = source.length;
  const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (left === 0) return controller.close();
      const buffer = new Uint8Array(Math.min(left, 1 << 20));
      const count = await from.read(buffer);
      if (count === null) {
        return controller.error(new DamagedMember(`${expected.what} ends too early`));
      }
      left -= count;
      controller.enqueue(buffer.subarray(0, count));
    },
  }, { highWaterMark: 0 });
  const hash = createHash("sha256");
  using to = await Deno.open(target, { write: true, create: true, truncate: true });
  for await (const part of unpack(packed, expected)) {
    signal?.throwIfAborted();
    hash.update(part);
    await writeAll(to, part, target);
  }
  await to.syncData();
  return hash.digest("hex");
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array, path: string): Promise<void> {
  try {
    for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
  } catch (cause) {
    throw new DownloadError(
      `${path} cannot be written: ${(cause as Error).message}. ` +
        "What has come so far stays: make room and run the same command again.",
      { cause, mendable: true },
    );
  }
}
