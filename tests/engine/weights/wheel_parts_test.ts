import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import * as zlib from "node:zlib";
import { fetchWithin } from "../../../engine/weights/_body.ts";
import { crc32 } from "../../../engine/weights/_crc32.ts";
import { DamagedMember, unpackBytes, unpackFile } from "../../../engine/weights/_unpack.ts";
import { parseRecord } from "../../../engine/weights/_wheel_zip.ts";
import { noise } from "./_wheel_server.ts";

Deno.test("crc32() is the zip's, whole or in pieces of any length", () => {
  assertEquals(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
  assertEquals(crc32(new Uint8Array(0)), 0);
  const bytes = noise(1003, 5);
  for (const cut of [0, 1, 2, 3, 4, 501, 1002, 1003]) {
    const sum = crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)));
    assertEquals(sum, zlib.crc32(bytes), `cut at ${cut}`);
  }
});

Deno.test("parseRecord() reads sums, quoted paths, and what has none", () => {
  const sum = "nXWHrLE3sxv4Tk0y3ERLlpu2AdCYsBOV7_ys_kNB42Q";
  const record = parseRecord(
    `a/b.so,sha256=${sum},12\r\n"a,""b"".py",sha256=${sum},0\nx.dist-info/RECORD,,\n` +
      `short,sha256=abc,1\nother,md5=abc,2\n`,
  );
  assertEquals([...record], [
    ["a/b.so", { sha256: sum, bytes: 12 }],
    ['a,"b".py', { sha256: sum, bytes: 0 }],
    ["x.dist-info/RECORD", { sha256: undefined, bytes: undefined }],
    ["short", { sha256: undefined, bytes: 1 }],
    ["other", { sha256: undefined, bytes: 2 }],
  ]);
});

Deno.test("unpackBytes() refuses deflated data that is broken or cut short", async () => {
  const plain = noise(3000, 9);
  const packed = new Uint8Array(zlib.deflateRawSync(plain));
  const expected = { what: "it", method: 8, bytes: 3000, crc32: crc32(plain) };
  assertEquals(await unpackBytes(packed, expected), plain);
  for (const broken of [packed.slice(0, 2000), new Uint8Array(packed.length).fill(255)]) {
    await assertRejects(() => unpackBytes(broken, expected), DamagedMember, "it");
  }
});

Deno.test({
  name: "unpackFile() says that the disk is full, which is no damage",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const path = await Deno.makeTempFile();
    try {
      await Deno.writeFile(path, noise(100, 1));
      const expected = { what: "it", method: 0, bytes: 100, crc32: crc32(noise(100, 1)) };
      const source = { path, begin: 0, length: 100 };
      const error = await assertRejects(
        () => unpackFile(source, "/dev/full", expected, undefined),
        Error,
        "/dev/full cannot be written: No space left on device",
      );
      assertStringIncludes(error.message, "What has come so far stays: make room");
    } finally {
      await Deno.remove(path);
    }
  },
});

Deno.test("fetchWithin() shows a part of a file as if it were all", async () => {
  const asked: (string | null)[] = [];
  let told = "bytes 110-149/1000";
  const inner: typeof fetch = (_input, init) => {
    asked.push(new Headers(init?.headers).get("range"));
    return Promise.resolve(
      new Response("x", { status: 206, headers: { "content-range": told } }),
    );
  };
  const part = fetchWithin(inner, 100, 50);
  const rest = await part("http://host/", { headers: { range: "bytes=10-" } });
  assertEquals(rest.headers.get("content-range"), "bytes 10-49/50");
  await part("http://host/");
  assertEquals(asked, ["bytes=110-149", "bytes=100-149"]);
  told = "bytes 0-9/1000";
  assertEquals((await part("http://host/")).headers.get("content-range"), null);
});
