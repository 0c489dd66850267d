import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { hostTensor, viewBytes } from "../../../engine/tensor/mod.ts";
import {
  openSafetensors,
  parameters,
  WeightsError,
  writeSafetensors,
} from "../../../engine/weights/mod.ts";
import { rawFile, seeded, someTensors, temporaryFolder } from "./_files.ts";

Deno.test("writeSafetensors() writes what openSafetensors() reads, aligned and sorted", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  await writeSafetensors(path, someTensors(), { note: 'ä "quoted" \\ {' });
  const file = await openSafetensors(path);
  assertEquals([...file.metadata], [["note", 'ä "quoted" \\ {']]);
  assertEquals([...file.tensors.keys()], ["d.long", "c.words", "e.none", "b.half", "a.bytes"]);
  for (const [name, tensor] of someTensors()) {
    const entry = file.tensors.get(name)!;
    assertEquals(entry.offset % tensor.data.BYTES_PER_ELEMENT, 0, name);
    assertEquals(await file.read(name), tensor);
  }
  assertEquals([...Deno.readDirSync(folder.path)].map((e) => e.name), ["a.safetensors"]);
  const words = file.tensors.get("c.words")!;
  const bytes = Deno.readFileSync(path).subarray(words.offset, words.offset + words.length);
  assertEquals([...viewBytes("float32", bytes)], [1, 2, 3, 4]);
});

Deno.test("writeSafetensors() leaves the old file and no other where it fails", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  await Deno.writeTextFile(path, "old");
  const tensor = hostTensor("uint8", [1], new Uint8Array(1));
  await assertRejects(
    () => writeSafetensors(path, [["x", tensor], ["x", tensor]]),
    TypeError,
    'cannot write tensor "x": the name is taken',
  );
  await assertRejects(() => writeSafetensors(`${path}/below`, [["x", tensor]]));
  assertEquals(await Deno.readTextFile(path), "old");
  assertEquals([...Deno.readDirSync(folder.path)].length, 1);
});

Deno.test("openSafetensors() reads unaligned tensors and very long metadata", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  const long = 'x\\"'.repeat(3 << 20);
  const header = JSON.stringify({
    __metadata__: { long },
    a: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
    b: { dtype: "F32", shape: [1], data_offsets: [1, 5] },
  });
  const bytes = rawFile(header, 5);
  bytes.set([0, 0, 0x80, 0x3f], bytes.length - 4);
  await Deno.writeFile(path, bytes);
  const file = await openSafetensors(path);
  assertEquals(file.metadata.get("long"), long);
  assertEquals([...(await file.read("b")).data as Float32Array], [1]);
});

Deno.test("openSafetensors() refuses a broken file by name", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/broken.safetensors`;
  const entry = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}';
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(0), "the file is empty"],
    [new Uint8Array(5), "expected at least the 8 bytes of a header's length, got 5"],
    [rawFile(`{"a":${entry}}`, 8).slice(0, 30), "but the file holds only 22 after its length"],
    [
      new TextEncoder().encode("PK\x03\x04 a zip, a zip"),
      "expected at most 100000000; is it a saf",
    ],
    [rawFile("not json", 0), "its header is not JSON"],
    [rawFile('{"a":"\xff'.slice(0, 5), 0), "its header is not JSON"],
    [rawFile("[]", 0), "its header is not a JSON object"],
    [rawFile(`{"a":${entry}}`, 7), 'tensor "a" lies beyond the end of the file: it needs 70 bytes'],
    [rawFile(`{"a":${entry}}`, 9), "its last 1 bytes belong to no tensor"],
    [rawFile(`{"a":${entry},"a":${entry}}`, 8), 'tensor "a" is listed twice'],
    [rawFile(`{"a":${entry},"\\u0061":${entry}}`, 8), 'tensor "a" is listed twice'],
    [
      rawFile(`{"a":${entry.replace("F32", "F8_E4M3")}}`, 8),
      'tensor "a" has an unknown element type: expected one of F64, F32, F16, BF16',
    ],
    [rawFile(`{"a":${entry.replace("[2]", "[3]")}}`, 8), "expected 12 bytes for F32 [3], got 8"],
    [rawFile(`{"a":${entry.replace("[2]", "[-2]")}}`, 8), 'tensor "a" has no shape'],
    [rawFile(`{"a":${entry.replace("[2]", "[1e300]")}}`, 8), 'tensor "a" has no shape'],
    [
      rawFile(`{"a":${entry.replace("[2]", "[4503599627370496,4503599627370496]")}}`, 8),
      "expected less than 2^53 bytes",
    ],
    [rawFile(`{"a":${entry.replace("[0,8]", "[8,0]")}}`, 8), 'tensor "a" has no place in the file'],
    [rawFile(`{"a":${entry.replace("[0,8]", "[0]")}}`, 8), 'tensor "a" has no place in the file'],
    [rawFile(`{"a":7}`, 0), 'tensor "a" is not described by an object'],
    [rawFile(`{"a":${entry},"b":${entry}}`, 8), 'tensors "a" and "b" overlap'],
    [
      rawFile(`{"a":${entry},"b":${entry.replace("[0,8]", "[12,20]")}}`, 20),
      '4 bytes before tensor "b" belong to no tensor',
    ],
    [rawFile(`{"__metadata__":{"n":1}}`, 0), 'its metadata "n" is not a text'],
  ];
  for (const [bytes, message] of cases) {
    await Deno.writeFile(path, bytes);
    const error = await assertRejects(() => openSafetensors(path), WeightsError, message);
    assertEquals(error.message.startsWith(`cannot use the weights ${path}: `), true);
  }
  await assertRejects(() => openSafetensors(`${path}.no`), WeightsError, "there is no such file");
  await assertRejects(
    () => openSafetensors(folder.path),
    WeightsError,
    "expected a file, got some",
  );
});

Deno.test("openSafetensors() names what an opened file no longer holds, or never did", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  await writeSafetensors(path, someTensors());
  const file = await openSafetensors(path);
  await assertRejects(() => file.read("zz"), WeightsError, 'there is no tensor "zz" among its 5');
  await assertRejects(
    () => file.readInto("b.half", new Uint8Array(5)),
    RangeError,
    'cannot read tensor "b.half": expected room for 6 bytes, got 5',
  );
  await Deno.truncate(path, file.tensors.get("a.bytes")!.offset + 2);
  await assertRejects(
    () => file.read("a.bytes"),
    WeightsError,
    'it ends inside tensor "a.bytes": expected 5 bytes',
  );
});

Deno.test("openSafetensors() survives 300 mutations with a named error or a valid read", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  await writeSafetensors(path, someTensors(), { note: "text" });
  const valid = await Deno.readFile(path);
  const headerEnd = 8 + Number(new DataView(valid.buffer).getBigUint64(0, true));
  const random = seeded(7);
  const below = (n: number) => Math.floor(random() * n);
  let refused = 0;
  for (let i = 0; i < 300; i++) {
    let bytes = valid.slice();
    if (i % 3 === 0) bytes = bytes.slice(0, below(bytes.length));
    const changes = i % 3 === 0 ? 0 : 1 + below(4);
    for (let j = 0; j < changes; j++) {
      // Digits and punctuation keep many headers readable, so that the checks behind the parser
      // work too.
      const at = below(10) === 0 ? below(8) : 8 + below(headerEnd - 8);
      bytes[at] = i % 2 ? below(256) : '0123456789,:{}[]"-F'.charCodeAt(below(19));
    }
    await Deno.writeFile(path, bytes);
    try {
      const file = await openSafetensors(path);
      for (const [name, entry] of file.tensors) {
        assertEquals((await file.read(name)).data.byteLength, entry.length);
      }
    } catch (error) {
      refused++;
      assertInstanceOf(error, WeightsError, `mutation ${i}: ${error}`);
    }
  }
  assertEquals(refused > 150 && refused < 300, true, `${refused} refused`);
});

Deno.test("parameters() selects by prefix and reads under the shorter names", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.safetensors`;
  await writeSafetensors(path, [
    ["weights.x", hostTensor("uint8", [1], new Uint8Array([9]))],
    ["out.x", hostTensor("uint8", [1], new Uint8Array([8]))],
  ]);
  const file = await openSafetensors(path);
  const view = parameters(file, "weights.");
  assertEquals([...view.tensors.keys()], ["x"]);
  assertEquals(view.tensors.get("x"), file.tensors.get("weights.x"));
  assertEquals([...(await view.read("x")).data as Uint8Array], [9]);
});
