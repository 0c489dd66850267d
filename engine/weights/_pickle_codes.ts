/**
 * The instructions of pickles: how long their arguments are, and what those are called that are refused.
 *
 * Source: python/cpython, Lib/pickletools.py.
 */

/** Bytes of arguments, by instruction. */
export const fixedLengths: ReadonlyMap<number, number> = new Map([
  [0x80, 1],
  [0x95, 8],
  [0x4b, 1],
  [0x4d, 2],
  [0x4a, 4],
  [0x47, 8],
  [0x71, 1],
  [0x72, 4],
  [0x68, 1],
  [0x6a, 4],
]);

/** Bytes that say how long the argument behind them is. */
export const prefixLengths: ReadonlyMap<number, 1 | 4> = new Map([[0x8a, 1], [0x8c, 1], [0x58, 4]]);

/** Instructions that other pickles have, for messages. */
const refused: Readonly<Record<number, string>> = {
  0x30: "POP",
  0x31: "POP_MARK",
  0x32: "DUP",
  0x46: "FLOAT",
  0x49: "INT",
  0x4c: "LONG",
  0x50: "PERSID",
  0x53: "STRING",
  0x54: "BINSTRING",
  0x55: "SHORT_BINSTRING",
  0x56: "UNICODE",
  0x42: "BINBYTES",
  0x43: "SHORT_BINBYTES",
  0x64: "DICT",
  0x67: "GET",
  0x69: "INST",
  0x6c: "LIST",
  0x6f: "OBJ",
  0x70: "PUT",
  0x81: "NEWOBJ",
  0x82: "EXT1",
  0x83: "EXT2",
  0x84: "EXT4",
  0x8b: "LONG4",
  0x8d: "BINUNICODE8",
  0x8e: "BINBYTES8",
  0x8f: "EMPTY_SET",
  0x90: "ADDITEMS",
  0x91: "FROZENSET",
  0x92: "NEWOBJ_EX",
  0x96: "BYTEARRAY8",
  0x97: "NEXT_BUFFER",
  0x98: "READONLY_BUFFER",
};

/** An instruction's name in brackets, where it has one. */
export function nameOf(code: number): string {
  const name = refused[code];
  return name === undefined ? "" : ` (${name})`;
}
