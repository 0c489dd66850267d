import { assertEquals } from "@std/assert";
import { fileResponse, parseRange } from "../../server/file_response.ts";

const TEXT = "0123456789";
const path = await Deno.makeTempFile();
await Deno.writeTextFile(path, TEXT);
const modified = new Date("2026-01-02T03:04:05.678Z");

async function ask(
  headers: Record<string, string> = {},
  method = "GET",
): Promise<[status: number, body: string, range: string | null, length: string | null]> {
  const response = await fileResponse(new Request("http://localhost/", { method, headers }), {
    path,
    type: "video/mp4",
    tag: "abc",
    modified,
  });
  return [
    response.status,
    await response.text(),
    response.headers.get("content-range"),
    response.headers.get("content-length"),
  ];
}

Deno.test("parseRange() reads one range, and tells what cannot be from what is to be ignored", () => {
  const cases: [string | null, ReturnType<typeof parseRange>][] = [
    [null, undefined],
    ["bytes=0-0", [0, 0]],
    ["bytes=2-4", [2, 4]],
    ["bytes=2-", [2, 9]],
    ["bytes=2-99", [2, 9]],
    ["bytes=-3", [7, 9]],
    ["bytes=-99", [0, 9]],
    ["BYTES=9-9", [9, 9]],
    ["bytes=10-", "unsatisfiable"],
    ["bytes=10-12", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=4-2", undefined],
    ["bytes=0-1,3-4", undefined],
    ["bytes=-", undefined],
    ["bytes=a-b", undefined],
    ["lines=0-1", undefined],
    ["bytes=0-" + "9".repeat(40), undefined],
  ];
  for (const [header, expected] of cases) {
    assertEquals(parseRange(header, 10), expected, header ?? "");
  }
  assertEquals(parseRange("bytes=-5", 0), "unsatisfiable");
  assertEquals(parseRange("bytes=0-", 0), "unsatisfiable");
});

Deno.test("fileResponse() sends the whole, parts, and 416", async () => {
  assertEquals(await ask(), [200, TEXT, null, "10"]);
  assertEquals(await ask({ range: "bytes=2-4" }), [206, "234", "bytes 2-4/10", "3"]);
  assertEquals(await ask({ range: "bytes=-1" }), [206, "9", "bytes 9-9/10", "1"]);
  assertEquals(await ask({ range: "bytes=10-" }), [416, "", "bytes */10", null]);
  assertEquals(await ask({ range: "bytes=0-1,3-4" }), [200, TEXT, null, "10"]);
});

Deno.test("fileResponse() answers HEAD with the headers alone", async () => {
  assertEquals(await ask({}, "HEAD"), [200, "", null, "10"]);
  assertEquals(await ask({ range: "bytes=5-" }, "HEAD"), [206, "", "bytes 5-9/10", "5"]);
});

Deno.test("fileResponse() honours conditions", async () => {
  const date = modified.toUTCString();
  const old = new Date(0).toUTCString();
  assertEquals((await ask({ "if-none-match": '"abc"' }))[0], 304);
  assertEquals((await ask({ "if-none-match": 'W/"abc", "x"' }))[0], 304);
  assertEquals((await ask({ "if-none-match": "*" }))[0], 304);
  assertEquals((await ask({ "if-none-match": '"x"' }))[0], 200);
  assertEquals((await ask({ "if-none-match": '"x"', "if-modified-since": date }))[0], 200);
  assertEquals((await ask({ "if-modified-since": date }))[0], 304);
  assertEquals((await ask({ "if-modified-since": old }))[0], 200);
  assertEquals((await ask({ "if-modified-since": "never" }))[0], 200);
  assertEquals((await ask({ "if-match": '"x"' }))[0], 412);
  assertEquals((await ask({ "if-match": '"abc"' }))[0], 200);

  const range = "bytes=0-1";
  assertEquals((await ask({ range, "if-range": '"abc"' }))[0], 206);
  assertEquals((await ask({ range, "if-range": date }))[0], 206);
  for (const other of ['"x"', 'W/"abc"', old, "never"]) {
    assertEquals(await ask({ range, "if-range": other }), [200, TEXT, null, "10"], other);
  }
});

Deno.test("fileResponse() reads as it is asked to, and closes the file when the client leaves", async () => {
  const large = await Deno.makeTempFile();
  await Deno.writeFile(large, new Uint8Array(1 << 20));
  const response = await fileResponse(new Request("http://localhost/"), {
    path: large,
    type: "video/mp4",
    tag: "a",
    modified,
    saveAs: "sluice-a.mp4",
  });
  assertEquals(
    response.headers.get("content-disposition"),
    'attachment; filename="sluice-a.mp4"',
  );
  const reader = response.body!.getReader();
  assertEquals((await reader.read()).value?.length, 64 * 1024);
  // The sanitizer of resources complains if this leaves the file open.
  await reader.cancel();
  await Deno.remove(large);
});
