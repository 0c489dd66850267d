/** A shared library of 64 bits that holds nothing but the names of those it needs. */

/** Bytes of an ELF file whose dynamic section names `needed`; memory and file do not coincide. */
export function makeElf(needed: readonly string[]): Uint8Array<ArrayBuffer> {
  const names = new TextEncoder().encode(`\0${needed.map((name) => `${name}\0`).join("")}`);
  const [dynamicAt, namesAt, address] = [0x200, 0x400, 0x7000];
  const bytes = new Uint8Array(namesAt + names.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 2, true);
  segment(64, 1, 0, address, bytes.length);
  segment(64 + 56, 2, dynamicAt, address + dynamicAt, 16 * (needed.length + 3));
  let [at, from] = [dynamicAt, 1];
  for (const name of needed) {
    entry(1, from);
    from += name.length + 1;
  }
  entry(5, address + namesAt);
  entry(10, names.length);
  entry(0, 0);
  bytes.set(names, namesAt);
  return bytes;

  function segment(to: number, type: number, offset: number, memory: number, length: number) {
    view.setUint32(to, type, true);
    view.setBigUint64(to + 8, BigInt(offset), true);
    view.setBigUint64(to + 16, BigInt(memory), true);
    view.setBigUint64(to + 32, BigInt(length), true);
  }

  function entry(tag: number, value: number) {
    view.setBigUint64(at, BigInt(tag), true);
    view.setBigUint64(at + 8, BigInt(value), true);
    at += 16;
  }
}
