import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  DownloadError,
  fetchWheel,
  planWheel,
  type WheelEvent,
  type WheelOptions,
  type WheelRecord,
  type WheelRequest,
} from "../../../engine/weights/mod.ts";
import {
  type IndexPage,
  makeWheel,
  noise,
  placeOf,
  type WheelContent,
  type WheelFaults,
  WheelServer,
} from "./_wheel_server.ts";

const PROVIDER = "onnxruntime/capi/libprovider.so";
const SHARED = "onnxruntime/capi/libshared.so";
const FILES = {
  "onnxruntime/big.bin": noise(90_000, 1),
  [PROVIDER]: noise(60_000, 2),
  [SHARED]: noise(500, 3),
  "onnxruntime/LICENSE": new TextEncoder().encode("MIT".repeat(100)),
};
const NAME = "onnxruntime_gpu-1.30.0-cp312-cp312-manylinux_2_28_x86_64.whl";
const PAGE: IndexPage = { names: [NAME] };
const QUICK = { attempts: 3, pause: 1, idle: 2000 };

function requestFor(index: string, folder: string): WheelRequest {
  return {
    index,
    project: "onnxruntime-gpu",
    version: "1.30.0",
    platform: /^manylinux.*_x86_64$/,
    platformName: "linux x86_64",
    members: [PROVIDER, SHARED],
    extras: ["onnxruntime/LICENSE", "onnxruntime/Nothing.txt"],
    folder: `${folder}/provider`,
  };
}

interface Case {
  readonly content?: Partial<WheelContent>;
  readonly page?: Partial<IndexPage>;
  readonly faults?: WheelFaults;
}

interface Scene {
  readonly server: WheelServer;
  readonly folder: string;
  get(options?: WheelOptions, request?: Partial<WheelRequest>): Promise<WheelRecord>;
  /** Names in a folder of the scene, in order. */
  names(folder?: string): string[];
}

async function scene({ content, page, faults }: Case, work: (scene: Scene) => Promise<void>) {
  const wheel = makeWheel({ files: FILES, ...content });
  await using server = new WheelServer(wheel, { ...PAGE, ...page }, faults);
  const folder = await Deno.makeTempDir();
  try {
    await work({
      server,
      folder,
      async get(options = {}, request = {}) {
        const all = { ...QUICK, ...options };
        const plan = await planWheel({ ...requestFor(server.index, folder), ...request }, all);
        return await fetchWheel(plan, all);
      },
      names: (inside = "provider") => {
        try {
          return [...Deno.readDirSync(`${folder}/${inside}`)].map(({ name }) => name).sort();
        } catch {
          return [];
        }
      },
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const ALL = ["LICENSE", "installed.json", "libprovider.so", "libshared.so"];

async function assertWhole({ folder, names }: Scene): Promise<void> {
  assertEquals(names(), ALL);
  assertEquals(await Deno.readFile(`${folder}/provider/libprovider.so`), FILES[PROVIDER]);
  assertEquals(await Deno.readFile(`${folder}/provider/libshared.so`), FILES[SHARED]);
  assertEquals(names("."), ["provider"]);
}

/** The error of a get, and that nothing has the final name. */
async function refused(scene: Scene, options?: WheelOptions, request?: Partial<WheelRequest>) {
  const error = await assertRejects(() => scene.get(options, request), DownloadError);
  assertEquals(scene.names(), []);
  return error;
}

Deno.test("fetchWheel() takes the members that are wanted, and little else comes", async () => {
  await scene({}, async (it) => {
    const events: WheelEvent[] = [];
    const record = await it.get({ onEvent: (event) => void events.push(event) });
    await assertWhole(it);
    assertEquals(record.checked, "parts");
    assertEquals(record.wheel, NAME);
    assertEquals(record.files["libprovider.so"]?.bytes, 60_000);
    assert(it.server.sent < 66_000, `${it.server.sent} bytes were sent`);
    const last = events.findLast((event) =>
      event.type === "bytes" && event.file === "libprovider.so"
    );
    assert(last?.type === "bytes" && last.done > 59_000);
    const written = JSON.parse(await Deno.readTextFile(`${it.folder}/provider/installed.json`));
    assertEquals(written, record);
  });
});

Deno.test("planWheel() tells what is to come before anything is written", async () => {
  await scene({}, async ({ server, folder, names }) => {
    const plan = await planWheel(requestFor(server.index, folder), QUICK);
    assertEquals(plan.wheel.name, NAME);
    assertEquals(plan.unpacked, 60_000 + 500 + 300);
    assert(plan.coming !== undefined && plan.coming > 60_000 && plan.coming < 62_000);
    assertEquals(names("."), []);
  });
});

Deno.test("fetchWheel() fetches the whole wheel from a server without ranges, or when told", async () => {
  for (
    const [faults, options] of [[{ noRanges: true }, {}], [{}, { whole: true }]] as const
  ) {
    await scene({ faults }, async (it) => {
      assertEquals((await it.get(options)).checked, "whole");
      await assertWhole(it);
    });
  }
});

Deno.test("fetchWheel() reads members that are stored as they are", async () => {
  await scene({ content: { stored: [PROVIDER] } }, async (it) => {
    await it.get();
    await assertWhole(it);
  });
});

Deno.test("fetchWheel() goes on after dropped connections, and no byte of a member comes twice", async () => {
  await scene({ faults: { drops: [20_000, 15_000] } }, async (it) => {
    await it.get();
    await assertWhole(it);
    const begin = placeOf(it.server.wheel, PROVIDER);
    const last = /-(\d+)$/.exec(it.server.seen.findLast(({ sent }) => sent > 15_000)!.range!)![1];
    const parts = it.server.seen.filter(({ range }) => range?.endsWith(`-${last}`));
    assertEquals(
      parts.map(({ range }) => Number(/=(\d+)/.exec(range!)![1])),
      [begin, begin + 20_000, begin + 35_000],
    );
  });
});

Deno.test("fetchWheel() that was stopped goes on in the next run", async () => {
  await scene({}, async (it) => {
    const stop = new AbortController();
    const reason = new Error("stopped");
    const stopped = await assertRejects(() =>
      it.get({
        signal: stop.signal,
        onEvent: (event) => event.type === "unpack" && stop.abort(reason),
      })
    );
    assertEquals(stopped, reason);
    assertEquals(it.names(), []);
    assertEquals(it.names("provider.part"), ["libprovider.so.packed"]);
    const before = it.server.sent;
    await it.get();
    await assertWhole(it);
    assert(it.server.sent - before < 5_000, `${it.server.sent - before} bytes came again`);
  });
});

Deno.test("fetchWheel() refuses a member that came damaged, throws it away, and the next run mends it", async () => {
  const corrupt = placeOf(makeWheel({ files: FILES }), PROVIDER) + 30_000;
  await scene({ faults: { corrupt } }, async (it) => {
    const { message } = await refused(it);
    assertStringIncludes(message, `${NAME} has come damaged and was thrown away: libprovider.so`);
    assertEquals(it.names("."), []);
    it.server.faults = {};
    await it.get();
    await assertWhole(it);
  });
});

Deno.test("fetchWheel() compares CRC-32, sizes and RECORD", async () => {
  const wrong: [Partial<WheelContent>, string][] = [
    [
      { tell: (path, fields) => void (path === PROVIDER && (fields.crc32 ^= 1)) },
      "libprovider.so: expected the CRC-32",
    ],
    [
      { record: (text) => text.replace(/(libprovider\.so,sha256=)..../, "$1AAAA") },
      "libprovider.so: expected the SHA-256",
    ],
    [
      { record: (text) => text.replace("libprovider.so,sha256=", "libprovider.so,md5=") },
      "its RECORD says nothing of onnxruntime/capi/libprovider.so",
    ],
    [
      { record: (text) => text.replace(",60000", ",60001") },
      "its RECORD says 60001 bytes of onnxruntime/capi/libprovider.so, its table of contents 60000",
    ],
    [
      {
        tell: (path, fields) => void (path === PROVIDER && (fields.bytes = 59_999)),
        record: (text) => text.replace(",60000", ",59999"),
      },
      "libprovider.so is longer than the 59999 bytes it should have",
    ],
    [
      {
        tell: (path, fields) => void (path === PROVIDER && (fields.bytes = 60_001)),
        record: (text) => text.replace(",60000", ",60001"),
      },
      "libprovider.so: expected 60001 bytes, got 60000",
    ],
    [
      { tell: (path, fields) => void (path.endsWith("RECORD") && (fields.crc32 ^= 1)) },
      "its RECORD: expected the CRC-32",
    ],
    [
      { tell: (path, fields) => void (path === PROVIDER && (fields.method = 12)) },
      "is packed by method 12",
    ],
    [
      { files: { [SHARED]: FILES[SHARED]! } },
      "has no onnxruntime/capi/libprovider.so in it",
    ],
  ];
  for (const [content, message] of wrong) {
    for (const whole of [false, true]) {
      await scene({ content }, async (it) => {
        assertStringIncludes((await refused(it, { whole })).message, message);
      });
    }
  }
});

Deno.test("fetchWheel() refuses a whole wheel whose SHA-256 is not the index's", async () => {
  await scene({ page: { sha256: "ab".repeat(32) } }, async (it) => {
    const { message } = await refused(it, { whole: true });
    assertStringIncludes(message, `expected the SHA-256 ${"ab".repeat(32)}, got`);
    assertEquals(it.names("."), []);
  });
});

Deno.test("planWheel() refuses wheels that are cut short or of another size", async () => {
  await scene({ faults: { truncate: 100_000 } }, async (it) => {
    const { message } = await refused(it);
    assertStringIncludes(message, "the server has 100000 bytes of it where its index says");
  });
  const cut = { faults: { truncate: 100_000 }, page: { html: true } };
  await scene(cut, async (it) => {
    assertStringIncludes((await refused(it)).message, "no zip's table of contents at its end");
  });
});

Deno.test("fetchWheel() says so when the server's parts are not those asked for, or end", async () => {
  await scene({ faults: { contentRange: "bytes 7-9/10" } }, async (it) => {
    const { message } = await refused(it);
    assertStringIncludes(message, "the server sends bytes 7-9/10. To fetch it whole: --whole");
  });
  for (
    const [rangesUntil, message] of [
      [2, "the server gives them no more. To fetch it whole: --whole"],
      [3, "cannot be fetched in parts any more. To fetch it whole: --whole"],
    ] as const
  ) {
    await scene({ faults: { rangesUntil } }, async (it) => {
      assertStringIncludes((await refused(it)).message, message);
    });
  }
});

Deno.test("planWheel() reads an index of HTML and one with a name and a password", async () => {
  await scene({ page: { html: true } }, async (it) => {
    await it.get();
    await assertWhole(it);
  });
  await scene({}, async (it) => {
    await it.get({}, { index: it.server.index.replace("//", "//me:p%40ss@") });
    await assertWhole(it);
    const shown = new Set(it.server.seen.map(({ authorization }) => authorization));
    assertEquals([...shown], [`Basic ${btoa("me:p@ss")}`]);
  });
});

Deno.test("planWheel() always takes the same of several wheels, and none of another platform or version", async () => {
  const names = [
    "onnxruntime_gpu-1.30.0-cp313-cp313-manylinux_2_28_x86_64.whl",
    "onnxruntime_gpu-1.30.0-cp311-cp311-win_amd64.whl",
    "onnxruntime_gpu-1.30.0-cp311-cp311-manylinux_2_28_x86_64.whl",
    "onnxruntime_gpu-1.30.1-cp310-cp310-manylinux_2_28_x86_64.whl",
    "onnxruntime_gpu-1.30.0.tar.gz",
    "onnxruntime_training-1.30.0-cp310-cp310-manylinux_2_28_x86_64.whl",
  ];
  await scene({ page: { names } }, async (it) => {
    assertEquals((await it.get()).wheel, names[2]);
  });
});

Deno.test("planWheel() passes over names that are paths, and links that are no addresses", async () => {
  const bad = NAME.replace("cp312-cp312", "..\\..\\x-y");
  await scene({ page: { names: [bad] } }, async (it) => {
    assertStringIncludes((await refused(it)).message, "it has no wheels of it");
  });
  const html = '<!doctype html><a href="http://[">broken</a>';
  await scene({ page: { html: true, body: html } }, async (it) => {
    assertStringIncludes((await refused(it)).message, "it has no wheels of it");
  });
});

Deno.test("planWheel() says what the index has instead", async () => {
  const cases: [Partial<IndexPage>, string][] = [
    [
      { names: [NAME.replace("1.30.0", "1.29.0"), NAME.replace("1.30.0", "1.31.1")] },
      "expected the very version 1.30.0, got 1.29.0, 1.31.1",
    ],
    [
      { names: [NAME.replace("manylinux_2_28_x86_64", "win_amd64")] },
      "it has 1.30.0 for win_amd64 only, and not for linux x86_64",
    ],
    [{ yanked: true }, "1.30.0 was taken back by its publisher"],
    [{ names: [] }, "it has no wheels of it"],
    [{ status: 404 }, "has no such page (404). Expected the address of a simple index"],
    [{ status: 401 }, "asks for a name and a password (401)"],
    [{ body: "{" }, "cannot be read as a package index"],
    [{ files: "file:///etc/" }, "its index leads to file://, which is not followed"],
    [{ files: "ftp://host/" }, "its index leads to ftp://host, which is not followed"],
    [{ body: '{"name":"x"}' }, "cannot be read as a package index"],
  ];
  for (const [page, message] of cases) {
    await scene({ page }, async (it) => {
      assertStringIncludes((await refused(it)).message, message);
      assertEquals(it.names("."), []);
    });
  }
});

Deno.test("planWheel() refuses addresses that are no index, and shows no password", async () => {
  const broken = [
    "pypi.org/simple",
    "ftp://me:secret@host/simple",
    "",
    "http://me:secret%zz@host/",
  ];
  for (const index of broken) {
    await scene({}, async (it) => {
      const { message } = await refused(it, {}, { index });
      assertStringIncludes(message, "expected an address such as https://pypi.org/simple, got");
      assert(!message.includes("secret"));
    });
  }
});

Deno.test("planWheel() gives up on a server that is gone or has no file", async () => {
  await scene({}, async (it) => {
    const { message } = await refused(it, {}, { index: "http://127.0.0.1:9/simple" });
    assertStringIncludes(message, "127.0.0.1:9 cannot be reached");
    assertStringIncludes(message, "3 times in a row");
  });
  await scene({ faults: { status: 404 } }, async (it) => {
    assertStringIncludes((await refused(it)).message, "has no such page (404)");
  });
});

Deno.test("fetchWheel() begins nothing without room on the disk or a folder to write to", async () => {
  await scene({}, async (it) => {
    const { message } = await refused(it, { freeSpace: () => Promise.resolve(100_000) });
    assertStringIncludes(message, "1 MB are needed and 1 MB are free. Make room");
    assertEquals(it.names("."), []);
    await Deno.writeTextFile(`${it.folder}/file`, "");
    const blocked = await refused(it, {}, { folder: `${it.folder}/file/provider` });
    assertStringIncludes(blocked.message, "cannot be made");
    assertStringIncludes(blocked.message, "XDG_CACHE_HOME");
  });
});

Deno.test("fetchWheel() replaces the folder with restart, and only when all is there", async () => {
  await scene({}, async (it) => {
    await it.get();
    await Deno.writeTextFile(`${it.folder}/provider/libprovider.so`, "spoilt");
    it.server.faults = { corrupt: placeOf(it.server.wheel, SHARED) + 100 };
    await assertRejects(() => it.get({ restart: true }), DownloadError, "libshared.so");
    assertEquals(await Deno.readTextFile(`${it.folder}/provider/libprovider.so`), "spoilt");
    it.server.faults = {};
    await it.get({ restart: true });
    await assertWhole(it);
  });
});

Deno.test("fetchWheel() keeps the folder that was there where the new one cannot take its place", async () => {
  await scene({}, async (it) => {
    await it.get();
    const { rename } = Deno;
    Deno.rename = (from, to) =>
      String(from).endsWith(".part") && String(to).endsWith("/provider")
        ? Promise.reject(new Error("in use"))
        : rename(from, to);
    try {
      await assertRejects(() => it.get({ restart: true }), Error, "in use");
    } finally {
      Deno.rename = rename;
    }
    assertEquals(it.names(), ALL);
    assertEquals(it.names("provider.part").includes("lock"), false);
    // What had come is used by the next run.
    await it.get();
    await assertWhole(it);
  });
});

Deno.test("fetchWheel() lets one process at a time into the folder", async () => {
  await scene({}, async (it) => {
    const both = await Promise.allSettled([it.get(), it.get()]);
    const failed = both.filter((each) => each.status === "rejected");
    assertEquals(failed.length, 1);
    assertStringIncludes(
      (failed[0]!.reason as Error).message,
      "is being fetched by another process",
    );
    await assertWhole(it);
  });
});
