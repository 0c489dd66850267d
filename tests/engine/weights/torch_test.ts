import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { bytesOf } from "../../../engine/tensor/mod.ts";
import {
  checkFinite,
  openSafetensors,
  openTorch,
  WeightsError,
} from "../../../engine/weights/mod.ts";
import { seeded, temporaryFolder } from "./_files.ts";
import {
  dict,
  int,
  named,
  pickleOf,
  tensor,
  text,
  torchFile,
  tuple,
  writeFarTorchFile,
  zipOf,
} from "./_torch.ts";

const golden = (name: string) =>
  decodeURIComponent(new URL(`../../golden/${name}`, import.meta.url).pathname);

Deno.test("openTorch() reads what torch.save wrote, value by value", async () => {
  const pairs = [
    ["checkpoint_small.pt", "checkpoint_small"],
    ["checkpoint_small_v2.pt", "checkpoint_small"],
    ["checkpoint_small_zip64.pt", "checkpoint_small"],
    ["checkpoint_small_bf16.pth", "checkpoint_small_bf16"],
    ["checkpoint_extras.pt", "checkpoint_extras"],
  ] as const;
  for (const [name, values] of pairs) {
    const file = await openTorch(golden(name));
    const expected = await openSafetensors(golden(`${values}.safetensors`));
    const names = [...expected.tensors.keys()].filter((each) => !each.startsWith("as_f32."));
    assertEquals([...file.tensors.keys()].sort(), names.sort(), name);
    const bytes = await Deno.readFile(golden(name));
    for (const each of names) {
      const [got, want] = [await file.read(each), await expected.read(each)];
      assertEquals([got.dtype, got.shape], [want.dtype, want.shape], each);
      assertEquals(bytesOf(got), bytesOf(want), `${name} ${each}`);
      const { inPlace, offset, length } = file.tensors.get(each)!;
      if (inPlace !== false) {
        assertEquals(bytes.subarray(offset, offset + length), bytesOf(want), `${name} ${each}`);
      }
    }
    await checkFinite(file);
  }
});

Deno.test("openTorch() says which tensors do not lie in place, and what is beside tensors", async () => {
  const small = await openTorch(golden("checkpoint_small.pt"));
  assertEquals(small.groups, ["generator", "generator_ema"]);
  assertEquals(
    [...small.tensors].filter(([, entry]) => entry.inPlace === false).map(([name]) => name),
    ["generator", "generator_ema"].flatMap((group) => [
      `${group}.model.blocks.0.ffn.0.weight`,
      `${group}.model.blocks.0.ffn.2.bias`,
      `${group}.model.time_embedding.0.weight`,
    ]),
  );
  const { groups, metadata } = await openTorch(golden("checkpoint_extras.pt"));
  assertEquals(groups, ["state_dict", "list", "nested"]);
  assertEquals(metadata.get("step"), "600");
  assertEquals(metadata.get("big_int"), "1099511627776");
  assertEquals(metadata.get("name"), "ünïcode ✓");
  assertEquals(metadata.get("dtype"), "torch.bfloat16");
  assertEquals(metadata.get("size.1"), "3");
});

Deno.test("openTorch() refuses a pickle that wants to call something, by its name", async () => {
  for (
    const [name, wants, byte] of [
      ["checkpoint_malicious.pt", "os.system", 51],
      ["checkpoint_malicious_stackglobal.pt", "builtins.eval", 20],
    ] as const
  ) {
    const error = await assertRejects(() => openTorch(golden(name)), WeightsError);
    assertEquals(
      error.message,
      `cannot use the weights ${
        golden(name)
      }: its data.pkl is refused: it wants ${wants}, and only tensors and plain containers are ` +
        `read (byte ${byte}). Instead, take the model's .safetensors file, or have PyTorch save its ` +
        `state dict alone: torch.save(torch.load("old.pt", weights_only=True), "new.pt")`,
    );
  }
});

Deno.test("openTorch() refuses the legacy format and other files by name", async () => {
  const legacy = await assertRejects(
    () => openTorch(golden("checkpoint_small_legacy.pt")),
    WeightsError,
    "it is in the legacy format of PyTorch before 1.6",
  );
  assert(legacy.message.includes("torch.save(torch.load("));
  using folder = temporaryFolder();
  const path = `${folder.path}/a.pt`;
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(), "the file is empty"],
    [pickleOf(0x4e), "it is a bare pickle, not a checkpoint"],
    [new TextEncoder().encode("version https://git-lfs"), "it does not begin as a zip file"],
    [new TextEncoder().encode("PK\x03\x04"), "it has no zip's table of contents at its end"],
    [zipOf([{ name: "a/b", data: new Uint8Array(3) }]), "a zip file without a data.pkl"],
    [
      zipOf(["a", "b"].map((root) => ({ name: `${root}/data.pkl`, data: pickleOf(0x4e) }))),
      "it has 2 descriptions of tensors: a/data.pkl, b/data.pkl",
    ],
    [
      zipOf([
        { name: "a/data.pkl", data: pickleOf(0x4e) },
        { name: "a/byteorder", data: new TextEncoder().encode("big") },
      ]),
      'its numbers are "big"-endian: expected "little"',
    ],
  ];
  for (const [bytes, message] of cases) {
    await Deno.writeFile(path, bytes);
    await assertRejects(() => openTorch(path), WeightsError, message);
  }
});

Deno.test("openTorch() refuses zip files that are damaged or no plain storage", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.pt`;
  const pickle = { name: "a/data.pkl", data: pickleOf(0x7d) };
  const data = { name: "a/data/0", data: new Uint8Array(16) };
  const valid = zipOf([pickle, data], "a comment");
  await Deno.writeFile(path, valid);
  assertEquals((await openTorch(path)).tensors.size, 0);
  const at = (offset: number, value: number) => {
    const bytes = valid.slice();
    new DataView(bytes.buffer).setUint32(bytes.length - 31 + offset, value, true);
    return bytes;
  };
  const cases: [Uint8Array, string][] = [
    [zipOf([pickle, { ...data, method: 8 }]), 'record "a/data/0" is compressed (method 8)'],
    [zipOf([pickle, { ...data, flags: 1 }]), 'record "a/data/0" is encrypted'],
    [zipOf([pickle, { ...data, size: 1 << 30 }]), "has two sizes: 1073741824 bytes, and 16"],
    [zipOf([pickle, data, data]), 'record "a/data/0" is listed twice'],
    [
      zipOf([pickle, data, { name: "a/data/1", data: data.data, begin: 0 }]),
      'records "a/data.pkl" and "a/data/1" overlap',
    ],
    [zipOf([pickle, { ...data, begin: 7 }]), "overlap"],
    [zipOf([pickle, { ...data, begin: 60 }]), "is not at byte 60, as it says"],
    [zipOf([pickle, { ...data, begin: 1 << 30 }]), "begins beyond the data, at 1073741824"],
    [at(16, 5), "record 0 of its table of contents is broken"],
    [at(12, 0xfffffff0), "its table of contents claims 2 records in 4294967280 bytes"],
    [at(10, 0xffff), "its table of contents claims 65535 records"],
    [at(4, 1), "it is part of a zip in several files"],
    [valid.slice(0, -10), "it has no zip's table of contents at its end (truncated?)"],
  ];
  for (const [bytes, message] of cases) {
    await Deno.writeFile(path, bytes);
    await assertRejects(() => openTorch(path), WeightsError, message);
  }
});

Deno.test("openTorch() refuses pickles beyond tensors and containers, with the byte", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.pt`;
  const deep = Array<number>(500_000).fill(0x5d);
  const lists = [0x5d, 0x71, 0]; // a list, kept as 0
  for (let i = 1; i < 60; i++) lists.push(0x5d, 0x71, i, 0x68, i - 1, 0x61, 0x68, i - 1, 0x61);
  const cases: [Uint8Array, string][] = [
    [
      pickleOf(0x69),
      "instruction 0x69 (INST), which no checkpoint of tensors and containers needs (byte 2)",
    ],
    [pickleOf(0x81), "instruction 0x81 (NEWOBJ)"],
    [pickleOf(0xff), "instruction 0xff, which"],
    [pickleOf(named("numpy.core.multiarray", "scalar")), "it wants numpy.core.multiarray.scalar"],
    [pickleOf(named("torch", "load")), "it wants torch.load"],
    [pickleOf(named("torch", "constructor")), "it wants torch.constructor"],
    [pickleOf(named("", "__proto__")), "it wants .__proto__"],
    [pickleOf(named("o\x1b[2J", "é")), 'it wants "o\\u001b[2J.é"'],
    [pickleOf(named("torch", "FloatStorage"), 0x29, 0x52), "it calls torch.FloatStorage"],
    [pickleOf(text("x"), 0x29, 0x52), "it calls a text"],
    [pickleOf(0x80, 1), "it is of protocol 1 (byte 2)"],
    [pickleOf(0x51), "it takes a value where there is none (byte 2)"],
    [pickleOf(0x74), "it goes back to a mark that is not there"],
    [pickleOf(0x4e, 0x28, 0x61), "it takes a value where there is none (byte 4)"],
    [pickleOf(0x68, 9), "it recalls value 9, which it never kept"],
    [pickleOf(0x4e, 0x4e), "it ends with more than one value"],
    [pickleOf(0x4e, 0x4e, 0x61), "it appends to None"],
    [pickleOf(0x7d, 0x28, 0x4e, 0x75), "it has a key without a value"],
    [pickleOf(0x7d, 0x5d, 0x4e, 0x73), "it uses a list as a key"],
    [pickleOf(0x5d, 0x4e, 0x62), "it sets the state of a list"],
    [pickleOf(0x58, 0xff, 0xff, 0xff, 0x7f), "it ends in the middle (byte 2)"],
    [pickleOf(0x58, 1, 0, 0, 0, 0xff), "it has a text that is not UTF-8"],
    [pickleOf("cos"), "it ends in the middle"],
    [new Uint8Array([0x80, 2, 0x4e]), "it ends in the middle (byte 3)"],
    [pickleOf(text("x"), 0x51), "it points to something outside that is no storage"],
    [pickleOf(lists.slice(0, 3), 0x68, 0, 0x61), "or one holds itself"],
    [pickleOf(deep, Array<number>(deep.length - 1).fill(0x61)), "more than 64 deep"],
    [pickleOf(0x5d, 0x28, lists, 0x65), "it holds more than 200000 values"],
    [pickleOf(dict({ ["x".repeat(1001)]: int(1) })), "it has a name that is too long"],
    [
      pickleOf(dict({ "a": dict({ "b": tensor({ shape: [], strides: [] }) }) }), text("a.b"), [
        ...tensor({ shape: [], strides: [] }),
        0x73,
      ]),
      'it has the name "a.b" twice',
    ],
  ];
  for (const [pickle, message] of cases) {
    await Deno.writeFile(path, torchFile(pickle, { 0: new Uint8Array(16) }));
    await assertRejects(() => openTorch(path), WeightsError, message);
  }
});

Deno.test("openTorch() refuses tensors that do not fit their storage", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.pt`;
  const huge = 2 ** 40;
  const cases: [Parameters<typeof tensor>[0], string][] = [
    [
      { shape: [5], strides: [1] },
      'tensor [5] that looks at 5 elements of storage "0", which has 4',
    ],
    [{ shape: [2, 2], strides: [3, 1] }, "that looks at 5 elements"],
    [{ shape: [1], strides: [1], first: 4 }, "that looks at 5 elements"],
    [{ shape: [2], strides: [-1], first: 3 }, "without whole sizes and strides from 0 (byte "],
    [{ shape: [2], strides: [] }, "without whole sizes and strides from 0"],
    [{ shape: [huge, huge], strides: [0, 0] }, "a tensor of an impossible shape"],
    [
      { shape: [huge], strides: [0] },
      `"x" has [${huge}] elements of float32, ${4 * huge} bytes, and only 4`,
    ],
    [
      { shape: [8], strides: [1], count: 8 },
      "in a storage of 8 elements of float32, but its record",
    ],
    [{ shape: [2], strides: [1], count: 2 }, '"data/0" has 16 bytes'],
    [{ shape: [2], strides: [1], key: "7" }, 'in the record "data/7", which is not there'],
    [{ shape: [2], strides: [1], type: "QInt8Storage" }, "it wants torch.QInt8Storage"],
  ];
  for (const [fields, message] of cases) {
    const pickle = pickleOf(dict({ x: tensor(fields) }));
    await Deno.writeFile(path, torchFile(pickle, { 0: new Uint8Array(16) }));
    await assertRejects(() => openTorch(path), WeightsError, message);
  }
});

Deno.test("openTorch() puts strided, transposed and repeated elements in order", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.pt`;
  const elements = Float32Array.from({ length: 24 }, (_, i) => i);
  const cube = (shape: number[], strides: number[], first = 0) =>
    tensor({ shape, strides, first, count: 24 });
  const pickle = pickleOf(dict({
    dense: cube([2, 3, 4], [12, 4, 1]),
    ones: cube([1, 4, 1], [99999, 1, 7]),
    reversedAxes: cube([4, 3, 2], [1, 4, 12]),
    every: cube([3], [7], 2),
    repeated: cube([2, 2], [0, 1], 5),
    diagonal: cube([3], [5]),
    scalar: cube([], [], 9),
    none: cube([0, 3], [0, 0]),
  }));
  await Deno.writeFile(path, torchFile(pickle, { 0: new Uint8Array(elements.buffer) }));
  const file = await openTorch(path);
  const values = async (name: string) => [...(await file.read(name)).data as Float32Array];
  assertEquals(await values("dense"), [...elements]);
  assertEquals(await values("ones"), [0, 1, 2, 3]);
  assertEquals((await values("reversedAxes")).slice(0, 8), [0, 12, 4, 16, 8, 20, 1, 13]);
  assertEquals(await values("every"), [2, 9, 16]);
  assertEquals(await values("repeated"), [5, 6, 5, 6]);
  assertEquals(await values("diagonal"), [0, 5, 10]);
  assertEquals(await values("scalar"), [9]);
  assertEquals(await values("none"), []);
  const away = [...file.tensors].filter(([, entry]) => entry.inPlace === false);
  assertEquals(away.map(([name]) => name), ["reversedAxes", "every", "repeated", "diagonal"]);
  const odd = new Uint8Array(13).subarray(1);
  await file.readInto("every", odd);
  assertEquals([...new Float32Array(odd.slice().buffer)], [2, 9, 16]);
  await assertRejects(() => file.read("zz"), WeightsError, 'there is no tensor "zz" among its 8');
  await assertRejects(
    () => file.readInto("every", new Uint8Array(8)),
    RangeError,
    'cannot read tensor "every": expected room for 12 bytes, got 8',
  );
  await Deno.truncate(path, 700);
  await assertRejects(() => file.read("every"), WeightsError, 'it ends inside tensor "every"');
});

Deno.test("openTorch() keeps numbers of any size, and a tensor that stands alone", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.pt`;
  const long = [0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  await Deno.writeFile(
    path,
    torchFile(pickleOf(dict({ minus: int(-7), big: long, shape: tuple(int(3)) }))),
  );
  const { metadata } = await openTorch(path);
  assertEquals([...metadata], [["minus", "-7"], ["big", "18446744073709551616"], ["shape.0", "3"]]);
  const alone = pickleOf(tensor({ shape: [4], strides: [1] }));
  await Deno.writeFile(path, torchFile(alone, { 0: new Uint8Array(16) }));
  assertEquals([...(await openTorch(path)).tensors.keys()], ["tensor"]);
});

Deno.test("openTorch() survives 300 mutations with a named error or a valid read", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/a.pt`;
  const sources = await Promise.all(
    ["checkpoint_small.pt", "checkpoint_small_zip64.pt", "checkpoint_extras.pt"]
      .map((name) => Deno.readFile(golden(name))),
  );
  const random = seeded(11);
  const below = (n: number) => Math.floor(random() * n);
  let refused = 0;
  for (let i = 0; i < 300; i++) {
    let bytes = sources[i % 3]!.slice();
    // The pickle, the table of contents or anything, and sometimes the end is missing.
    const from = i % 5 === 0 ? 0 : i % 2 ? 60 : bytes.length - 1500;
    const room = i % 5 === 0 ? bytes.length : 1500;
    for (let j = below(4); j >= 0; j--) {
      bytes[from + below(room)] = below(2) ? below(256) : below(2) ? 0 : 255;
    }
    if (i % 10 === 0) bytes = bytes.slice(0, below(bytes.length));
    await Deno.writeFile(path, bytes);
    try {
      const file = await openTorch(path);
      for (const [name, { length }] of file.tensors) {
        assertEquals((await file.read(name)).data.byteLength, length);
      }
    } catch (error) {
      assertInstanceOf(error, WeightsError, `mutation ${i}: ${(error as Error).stack}`);
      refused++;
    }
  }
  assert(refused > 100 && refused < 300, `${refused} refused`);
});

Deno.test("openTorch() reads tensors beyond 4 GiB", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/far.pt`;
  const values = new Float32Array([1, 2, 3, 4]);
  const pickle = pickleOf(dict({ x: tensor({ shape: [4], strides: [1] }) }));
  await writeFarTorchFile(path, pickle, new Uint8Array(values.buffer), 5 * 2 ** 30);
  const file = await openTorch(path);
  assertEquals(file.tensors.get("x")!.offset, 5 * 2 ** 30 + 38);
  assertEquals((await file.read("x")).data, values);
});
