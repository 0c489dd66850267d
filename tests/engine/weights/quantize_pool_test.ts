import { assert, assertEquals, assertRejects } from "@std/assert";
import { jobsOf, makeRows } from "../../../engine/weights/_quantize_pool.ts";
import {
  entryOf,
  type FewBits,
  openSafetensors,
  quantize,
  quantized,
  scalesName,
  type StoredFloat,
  type WeightFile,
  WeightsError,
  writeSafetensors,
} from "../../../engine/weights/mod.ts";
import { bytesOf, float32ToBfloat16, type HostTensor } from "../../../engine/tensor/mod.ts";
import { temporaryFolder } from "./_files.ts";

const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i * i));

function matrix(dtype: StoredFloat, shape: [number, number], data = numbers(shape[0] * shape[1])) {
  if (dtype === "bfloat16") return { dtype, shape, data: float32ToBfloat16(data) };
  const array = dtype === "float16" ? Float16Array : Float32Array;
  return { dtype, shape, data: array.from(data) } as HostTensor<StoredFloat>;
}

/** In rows that end inside a block and rows that do not, of all types. */
const tensors: readonly (readonly [string, HostTensor<StoredFloat>, FewBits])[] = [
  ["a", matrix("bfloat16", [50, 96]), { bits: 8, block: 32, scales: "float32" }],
  ["b", matrix("float32", [7, 40]), { bits: 4, block: 16, scales: "float16" }],
  ["c", matrix("float16", [33, 100]), { bits: 8, block: 16, scales: "float16" }],
];

/** A file of tensors in few bits, and where each is to go: in another order than they are in, with a gap before. */
async function stored(folder: string, given = tensors) {
  const path = `${folder}/a.safetensors`;
  await writeSafetensors(path, given.map(([name, tensor]) => [name, tensor] as const));
  const base = await openSafetensors(path);
  const file = quantized(base, new Map(given.map(([name, , form]) => [name, form])));
  const places = new Map<string, number>();
  let end = 8;
  for (const name of [...file.tensors.keys()].toReversed()) {
    places.set(name, end);
    end += entryOf(file, name).length;
  }
  const target = `${folder}/made`;
  await Deno.writeFile(target, new Uint8Array());
  return { base, file, places, end, target };
}

/** The jobs of a few hundred bytes that such a file is made in. */
function jobs(base: WeightFile, places: ReadonlyMap<string, number>, given = tensors) {
  return given.flatMap(([name, { dtype, shape: [rows, inner] }, form]) =>
    jobsOf({
      name,
      dtype,
      form,
      path: base.path,
      offset: entryOf(base, name).offset,
      rows: rows!,
      inner: inner!,
      weightAt: places.get(name)!,
      scalesAt: places.get(scalesName(name))!,
    }, 400)
  );
}

Deno.test("makeRows() writes the same with any number of threads as quantize() makes at once", async () => {
  using folder = temporaryFolder();
  const { base, places, end, target } = await stored(folder.path);
  const all = jobs(base, places);
  assert(all.length > 40, `${all.length} jobs`);
  const expected = new Uint8Array(end);
  for (const [name, tensor, form] of tensors) {
    const { weight, scales } = quantize(tensor, form);
    expected.set(weight.data, places.get(name)!);
    expected.set(bytesOf(scales), places.get(scalesName(name))!);
  }
  for (const threads of [1, 3]) {
    await Deno.writeFile(target, new Uint8Array());
    let bytes = 0;
    const written = (more: number) => bytes += more;
    await makeRows(all, { path: base.path, target, threads, each: 100, written });
    assertEquals(await Deno.readFile(target), expected);
    assertEquals(bytes, end - 8);
  }
});

Deno.test("quantized() writes what it makes to places, and leaves what does not lie in the file to be read", async () => {
  using folder = temporaryFolder();
  const { base, file, places, target } = await stored(folder.path);
  const made = await file.writeMade!(places, { path: target });
  assertEquals([...made].toSorted(), ["a", "a_scales", "b", "b_scales", "c", "c_scales"]);
  const bytes = await Deno.readFile(target);
  for (const [name, place] of places) {
    const expected = bytesOf(await file.read(name));
    assertEquals(bytes.subarray(place, place + expected.length), expected, name);
  }
  const apart: WeightFile = {
    ...base,
    tensors: new Map(
      [...base.tensors].map(([name, entry]) =>
        [name, { ...entry, inPlace: name !== "b" }] as const
      ),
    ),
  };
  const forms = new Map(tensors.map(([name, , form]) => [name, form]));
  const some = await quantized(apart, forms).writeMade!(places, { path: target });
  assertEquals([...some].toSorted(), ["a", "a_scales", "c", "c_scales"]);
  places.delete("a_scales");
  assertEquals((await quantized(apart, forms).writeMade!(places, { path: target })).size, 2);
});

Deno.test("makeRows() rejects with the first of several errors, by the number of the row", async () => {
  using folder = temporaryFolder();
  const wrong = tensors.map(([name, tensor, form]) => {
    const data = tensor.data.slice() as typeof tensor.data;
    if (name === "c") data.fill(NaN);
    return [name, { ...tensor, data } as HostTensor<StoredFloat>, form] as const;
  });
  wrong[0]![1].data[43 * 96 + 5] = 0x7f80;
  const { base, places, target } = await stored(folder.path, wrong);
  for (const threads of [1, 3]) {
    await assertRejects(
      () => makeRows(jobs(base, places), { path: base.path, target, threads, each: 1 }),
      WeightsError,
      `${base.path}: tensor "a" cannot be kept in 8 bits: at [43, 5] is an infinity`,
    );
  }
  const large = [["b", matrix("float32", [7, 40]), tensors[1]![2]]] as const;
  large[0][1].data[6 * 40] = 70_000;
  const other = await stored(folder.path, large as unknown as typeof tensors);
  await assertRejects(
    () => makeRows(jobs(other.base, other.places, [large[0]]), { path: "", target }),
    WeightsError,
    "row 6 holds values beyond float16's 65504",
  );
});

Deno.test("makeRows() says whose fault it is: a file that ends, or one that cannot be written", async () => {
  using folder = temporaryFolder();
  const { base, file, places, target } = await stored(folder.path);
  const error = await assertRejects(
    () => file.writeMade!(places, { path: `${folder.path}/absent/made` }),
    Error,
    "No such file or directory",
  );
  assert(!(error instanceof WeightsError));
  await Deno.truncate(base.path, entryOf(base, "c").offset + 400);
  await assertRejects(
    () => file.writeMade!(places, { path: target }),
    WeightsError,
    `${base.path}: it ends inside tensor "c"`,
  );
});

Deno.test("makeRows() ends when it is told to, and nothing is written after that", async () => {
  using folder = temporaryFolder();
  const { base, places, target } = await stored(folder.path);
  const all = jobs(base, places);
  const reason = new Error("enough");
  const gone = AbortSignal.abort(reason);
  await assertRejects(() => makeRows(all, { path: "", target, signal: gone }), Error, "enough");
  assertEquals((await Deno.stat(target)).size, 0);
  const control = new AbortController();
  // Many times the same, so that it cannot be over before the first answer is heard.
  const long = Array.from({ length: 500 }, () => all).flat();
  let told = 0;
  const written = () => {
    told++;
    control.abort(reason);
  };
  const { signal } = control;
  await assertRejects(
    () => makeRows(long, { path: "", target, threads: 2, each: 1, signal, written }),
    Error,
    "enough",
  );
  assert(told >= 1 && told < long.length, `${told} of ${long.length}`);
  const heard = told;
  await Deno.writeFile(target, new Uint8Array());
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals([(await Deno.stat(target)).size, told], [0, heard]);
});
