/** A wheel's bytes, piece by piece: on its server, or on the disk. */

import { readRange } from "./_body.ts";
import { type IndexFile, refuse } from "./_index.ts";
import { DownloadError, persist, type RequestOptions } from "./_requests.ts";
import type { ByteSource } from "./_wheel_zip.ts";

/** The wheel on its server, read by parts; undefined where the server does not give them. */
export async function openRemote(
  wheel: IndexFile,
  options: RequestOptions,
): Promise<ByteSource | undefined> {
  const { name, address } = wheel;
  const read = (from: number, length: number) =>
    persist(name, () => {
      return readRange(address, from, length, name, options, (response) => refuse(name, response));
    }, options);
  const first = await read(0, 1);
  if (first?.total === undefined) return undefined;
  const bytes = first.total;
  if (wheel.bytes !== undefined && wheel.bytes !== bytes) {
    throw new DownloadError(
      `${name} cannot be fetched: the server has ${bytes} bytes of it where its index says ${wheel.bytes}.`,
    );
  }
  return {
    what: name,
    bytes,
    async read(from, length) {
      const answer = length > 0 ? await read(from, length) : { bytes: new Uint8Array(0) };
      if (answer !== undefined) return answer.bytes;
      throw new DownloadError(
        `${name} cannot be fetched in parts: the server gives them no more. To fetch it whole: --whole.`,
        { mendable: true },
      );
    },
  };
}

/** A wheel on the disk. */
export async function openLocal(what: string, path: string): Promise<ByteSource & Disposable> {
  const file = await Deno.open(path);
  const bytes = (await file.stat()).size;
  let open = true;
  return {
    what,
    bytes,
    async read(from, length) {
      const buffer = new Uint8Array(length);
      await file.seek(from, Deno.SeekMode.Start);
      for (let done = 0; done < length;) {
        const count = await file.read(buffer.subarray(done));
        if (count === null) throw new DownloadError(`${path} ends too early.`);
        done += count;
      }
      return buffer;
    },
    [Symbol.dispose]() {
      if (open) file.close();
      open = false;
    },
  };
}
