/** Which libraries an ELF library needs, from its dynamic section. */

/** A range of the file and where it lies in memory. */
interface Segment {
  readonly offset: number;
  readonly address: number;
  readonly bytes: number;
}

const segmentTypes = { load: 1, dynamic: 2 };
const tags = { end: 0, needed: 1, strings: 5, stringBytes: 10 };

/** Most bytes of a table that is read. */
const tableLimit = 16 << 20;

/**
 * Names of the libraries that the loader fetches with a library, in its order: the `DT_NEEDED` entries. Reads
 * headers and tables alone. Throws an Error where the file is no 64-bit little-endian ELF file.
 */
export function neededLibraries(path: string): string[] {
  using file = Deno.openSync(path);
  const fail = (problem: string) => new Error(`${path} is no library of this system: ${problem}`);

  function read(offset: number, length: number, what: string): DataView {
    if (!(length <= tableLimit)) throw fail(`its ${what} has ${length} bytes`);
    const bytes = new Uint8Array(length);
    file.seekSync(offset, Deno.SeekMode.Start);
    for (let done = 0; done < length;) {
      const count = file.readSync(bytes.subarray(done));
      if (count === null) throw fail(`it ends inside its ${what}`);
      done += count;
    }
    return new DataView(bytes.buffer);
  }

  const head = read(0, 64, "head");
  // 0x7f E L F, 64 bits, little-endian
  if (head.getUint32(0) !== 0x7f454c46 || head.getUint16(4) !== 0x0201) {
    throw fail("it does not begin as an ELF file of 64 bits");
  }
  const [size, count] = [head.getUint16(54, true), head.getUint16(56, true)];
  if (size < 56) throw fail(`its segments are described in ${size} bytes each`);
  const table = read(number(head, 32), size * count, "list of segments");
  const segments = Array.from({ length: count }, (_, i): Segment & { type: number } => ({
    type: table.getUint32(i * size, true),
    offset: number(table, i * size + 8),
    address: number(table, i * size + 16),
    bytes: number(table, i * size + 32),
  }));
  const dynamic = segments.find(({ type }) => type === segmentTypes.dynamic);
  if (dynamic === undefined) throw fail("it has no dynamic section");
  const entries = read(dynamic.offset, dynamic.bytes, "dynamic section");
  const names: number[] = [];
  let [strings, stringBytes] = [0, 0];
  for (let at = 0; at + 16 <= entries.byteLength; at += 16) {
    const [tag, value] = [number(entries, at), number(entries, at + 8)];
    if (tag === tags.end) break;
    if (tag === tags.needed) names.push(value);
    else if (tag === tags.strings) strings = value;
    else if (tag === tags.stringBytes) stringBytes = value;
  }
  if (names.length === 0) return [];
  // The table is named by its place in memory.
  const home = segments.find(({ type, address, bytes }) =>
    type === segmentTypes.load && address <= strings && strings < address + bytes
  );
  if (home === undefined) throw fail("its names are in no segment");
  const text = read(strings - home.address + home.offset, stringBytes, "table of names");
  return names.map((from) => {
    const bytes = new Uint8Array(text.buffer, Math.min(from, text.byteLength));
    const end = bytes.indexOf(0);
    if (end < 0) throw fail("a name does not end inside the table of names");
    return new TextDecoder().decode(bytes.subarray(0, end));
  });
}

/** A 64-bit number; what is beyond the exact integers is beyond every file too. */
function number(view: DataView, at: number): number {
  const value = Number(view.getBigUint64(at, true));
  return Number.isSafeInteger(value) ? value : Infinity;
}
