import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { UserError } from "../../pipeline/errors.ts";
import encodeVideo from "../../plugins/encode_video/mod.ts";
import { decodeBytes, decodeFile } from "./_decode.ts";
import {
  assertCorners,
  chunk,
  chunks,
  encode,
  from,
  inFolder,
  names,
  open,
  type Options,
  runContext,
} from "./_encode_video.ts";

Deno.test("encode-video takes odd sizes where the format does and refuses them by name elsewhere", async () => {
  const odd = chunks(1, 2, { width: 33, height: 25 });
  for (const container of ["gif", "png"] as const) {
    const parts = await encode({ container }, odd);
    const video = await decodeBytes([parts[0]!.data]);
    assertEquals([video.width, video.height], [33, 25]);
    assertCorners(video, 16);
  }
  await encode({ container: "webp" }, odd);
  for (const codec of ["h264", "hevc", "av1", "vp9"] as const) {
    await assertRejects(
      () => encode({ codec, container: "mp4" }, odd),
      UserError,
      `Cannot encode pictures of 33×25 as ${codec}: expected an even width and height`,
    );
  }
});

Deno.test("encode-video refuses a size that changes and data that does not fit its shape", async () => {
  await assertRejects(
    () => encode({}, [chunk(0, 2), chunk(1, 2, { width: 64 })]),
    TypeError,
    "Cannot encode chunk 1: the size of its pictures changed within the run, expected 128×96, got 64×96",
  );
  await assertRejects(
    () => encode({}, [{ ...chunk(0, 2), data: new Uint8Array(5) }]),
    TypeError,
    "Cannot encode chunk 0: expected 73728 bytes of RGB",
  );
});

Deno.test("encode-video refuses to encode nothing, unless the run was stopped", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out.mp4");
    await assertRejects(() => encode({ path }, []), UserError, "There is nothing to encode");
    const stop = AbortSignal.abort();
    assertEquals(await encode({ path }, [], runContext({ stop })), []);
    assertEquals(names(folder), []);
  }));

Deno.test("encode-video completes the file when its input ends early", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out.mp4");
    const stop = new AbortController();
    async function* input() {
      yield chunk(0, 9);
      yield chunk(1, 12, { first: 9 });
      stop.abort();
      await Promise.resolve();
    }
    await encode({ path }, input(), runContext({ stop: stop.signal }));
    assertEquals((await decodeFile(path)).frames.length, 21);
  }));

for (const name of ["out.mp4", "out.webm", "out.gif", "out.webp", "pngs/"]) {
  Deno.test(`encode-video leaves nothing of ${name} when the run fails or is given up`, () =>
    inFolder(async (folder) => {
      const path = name === "pngs/" ? join(folder, name) : join(folder, "new", name);
      // Aborted while it waits for a chunk that never comes.
      const abort = new AbortController();
      async function* hanging() {
        yield chunk(0, 4);
        setTimeout(() => abort.abort(new Error("Ctrl-C")), 10);
        await new Promise(() => {});
      }
      await assertRejects(
        () => encode({ path }, hanging(), runContext({ signal: abort.signal })),
        Error,
        "Ctrl-C",
      );
      assertEquals(names(folder), []);
      // The stage before fails.
      async function* failing() {
        yield chunk(0, 4);
        await Promise.resolve();
        throw new Error("upstream failed");
      }
      await assertRejects(() => encode({ path }, failing()), Error, "upstream failed");
      assertEquals(names(folder), []);
    }));
}

Deno.test("encode-video leaves nothing when a listener of a stream goes away", () =>
  inFolder(async (folder) => {
    let ended = false;
    async function* input() {
      try {
        yield* chunks(5);
      } finally {
        ended = true;
        await Promise.resolve();
      }
    }
    await using stage = await open({ path: join(folder, "out.mp4"), fragmented: true });
    for await (const part of stage.process(input(), runContext())) {
      if (part.part === "segment") break;
    }
    assert(ended);
    assertEquals(names(folder), []);
  }));

Deno.test("encode-video replaces an existing file only when all is well", () =>
  inFolder(async (folder) => {
    const path = join(folder, "out.mp4");
    await Deno.writeTextFile(path, "precious");
    const bad = [chunk(0, 2), chunk(1, 2, { width: 64 })];
    await assertRejects(() => encode({ path }, bad), TypeError);
    assertEquals(await Deno.readTextFile(path), "precious");
    await assertRejects(
      () => open({ path, overwrite: false }),
      UserError,
      `Cannot write ${path}: it exists and overwrite is false`,
    );
    await encode({ path }, chunks(1));
    assertEquals((await decodeFile(path)).frames.length, 12);
    assertEquals(names(folder), ["out.mp4"]);
  }));

Deno.test("encode-video refuses paths it cannot write before the run begins", () =>
  inFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "file"), "");
    await Deno.mkdir(join(folder, "dir.mp4"));
    const cases: [string, string][] = [
      [join(folder, "dir.mp4"), "it is a folder"],
      [join(folder, "a", "b", "out.mp4"), "neither the folder"],
      [join(folder, "file", "out.mp4"), "is not a folder"],
      [join(folder, "out.avi"), "expected an extension of .mp4"],
      [join(folder, "out"), "got none"],
    ];
    for (const [path, message] of cases) {
      const error = await assertRejects(() => open({ path }), UserError, message);
      assert(error.message.includes(folder), error.message);
    }
    await assertRejects(
      () => encode({ path: "/proc/sluice.mp4" }, chunks(1)),
      UserError,
      "Cannot write /proc/sluice.mp4",
    );
    assertEquals(names(folder), ["dir.mp4", "file"]);
  }));

Deno.test("encode-video makes the last folder of a path and takes names that look like protocols", () =>
  inFolder(async (folder) => {
    const path = join(folder, "new", "a:b c%d é.mp4");
    await encode({ path }, chunks(1));
    assertEquals(names(join(folder, "new")), ["a:b c%d é.mp4"]);
  }));

Deno.test("encode-video refuses options that contradict each other", async () => {
  const cases: [NonNullable<Options>, string][] = [
    [{ path: "x.gif", container: "mp4" }, "Cannot write mp4 to x.gif: its extension means gif"],
    [{ container: "webm", codec: "h264" }, "webm cannot hold h264: expected vp9 or av1"],
    [{ container: "gif", codec: "h264" }, "codec has no meaning for gif, got h264"],
    [{ container: "png", crf: 3 }, "crf has no meaning for png, got 3"],
    [{ container: "gif", keyInterval: 3 }, "key-interval has no meaning for gif"],
    [{ container: "gif", fps: 60 }, "A GIF cannot be played at 60 frames/s"],
    [{ container: "gif", encoder: "nvenc" }, "NVENC cannot write gif"],
    [{ codec: "h264", crf: 60 }, "crf of h264 goes from 0 to 51, got 60"],
    [{ preset: "fastest" }, 'Unknown preset "fastest" of h264: expected one of ultrafast'],
    [{ codec: "av1", preset: "14" }, 'Unknown preset "14" of av1: expected one of 0, 1'],
    [{ codec: "vp9", container: "mp4", encoder: "nvenc" }, "NVENC has no vp9 encoder"],
    [{ fragmented: false }, "Set path, or leave fragmented out"],
  ];
  for (const [options, message] of cases) {
    await assertRejects(() => open(options), UserError, message);
  }
  assertThrows(() => encodeVideo({ fps: 0 }), UserError, "fps");
  assertThrows(() => encodeVideo({ codec: "h265" as "hevc" }), UserError, "codec");
  assertThrows(() => encodeVideo({ threads: 0 }), UserError, "threads");
});

Deno.test("encode-video takes NVENC where the machine has it and refuses it by name elsewhere", async () => {
  const stage = await open({ encoder: "nvenc" }).catch((error) => error);
  if (stage instanceof Error) {
    assert(stage instanceof UserError);
    assertMatch(
      stage.message,
      /^Cannot encode h264 with NVENC on this machine .+ Set encoder to software\.$/,
    );
  } else {
    await using _ = stage;
  }
  // `auto` on a CUDA device falls back to software.
  await using automatic = await open({}, "cuda:0");
  const parts = await Array.fromAsync(automatic.process(from(chunks(2)), runContext()));
  const video = await decodeBytes(parts.map(({ data }) => data));
  assert(video.frames.length === 24);
});

Deno.test("encode-video can be run again, and frees what it used each time", async () => {
  await using stage = await open({});
  const first = await Array.fromAsync(stage.process(from(chunks(1)), runContext()));
  for (let i = 0; i < 30; i++) {
    const again = await Array.fromAsync(stage.process(from(chunks(1)), runContext()));
    assertEquals(again.length, first.length);
  }
  const before = Deno.memoryUsage().rss;
  for (let i = 0; i < 60; i++) {
    await Array.fromAsync(stage.process(from(chunks(1)), runContext()));
  }
  const grown = (Deno.memoryUsage().rss - before) / 2 ** 20;
  assert(grown < 60, `${grown} MiB in 60 runs: an encoder alone takes more than 1 MiB`);
});

Deno.test("encode-video lets the event loop breathe", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    await encode({}, chunks(4, 12, { width: 832, height: 480 }));
  } finally {
    clearInterval(timer);
  }
  assert(ticks >= 20, `${ticks} ticks`);
});

/** Bytes that no encoder makes small (a linear congruential generator, its upper bits). */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = Math.imul(state, 1664525) + 1013904223) >>> 24);
}

Deno.test("encode-video says that the disk is full and leaves nothing", async (t) => {
  const folder = await Deno.makeTempDir();
  const mounted = await new Deno.Command("mount", {
    args: ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder],
    stderr: "null",
  }).output().then(({ success }) => success, () => false);
  try {
    if (!mounted) {
      await t.step({
        name: "skipped: a small tmpfs cannot be mounted here",
        ignore: true,
        fn() {},
      });
      return;
    }
    for (
      const options of [{ path: "out.mp4" }, { path: "out.gif" }, { path: "pngs/" }, {
        path: "out.webm",
        fragmented: true,
      }, { path: "out.webp", quality: 100 }]
    ) {
      const noisy = chunks(6, 12).map((frames) => ({
        ...frames,
        data: noise(frames.data.length),
      }));
      const path = join(folder, options.path);
      const error = await assertRejects(() => encode({ ...options, path }, noisy), Error);
      assertMatch(error.message, /Cannot write .*No space left on device.*Free some room/, path);
      assertEquals(names(folder), [], path);
    }
  } finally {
    if (mounted) await new Deno.Command("umount", { args: [folder] }).output();
    await Deno.remove(folder);
  }
});
