/** CRC-32 as zip files have it: the reflected polynomial 0xedb88320. */

/** `tables[k][byte]`: what a byte does to the sum k bytes later. */
const tables: readonly Uint32Array[] = makeTables();

function makeTables(): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let sum = byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? 0xedb88320 ^ (sum >>> 1) : sum >>> 1;
    first[byte] = sum;
  }
  const all = [first];
  for (let k = 1; k < 4; k++) {
    all.push(all[k - 1]!.map((sum) => first[sum & 255]! ^ (sum >>> 8)));
  }
  return all;
}

/**
 * The checksum of bytes, unsigned. Four bytes a step, because a library of some hundred megabytes passes here.
 *
 * @param before the checksum of what came before them
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  const [zero, one, two, three] = tables as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let sum = ~before;
  let at = 0;
  for (const end = bytes.length - 3; at < end; at += 4) {
    sum ^= bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
    sum = three[sum & 255]! ^ two[sum >>> 8 & 255]! ^ one[sum >>> 16 & 255]! ^ zero[sum >>> 24]!;
  }
  for (; at < bytes.length; at++) sum = zero[(sum ^ bytes[at]!) & 255]! ^ (sum >>> 8);
  return ~sum >>> 0;
}
