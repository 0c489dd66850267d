import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import project from "../../deno.json" with { type: "json" };
import { deviceLines } from "../../cli/devices.ts";
import type { DevicesReport } from "../../mod.ts";
import { denoDir } from "../_deno_dir.ts";
import { makeWheel, noise, WheelServer } from "../engine/weights/_wheel_server.ts";
import { run } from "./_run.ts";
import { inFolder } from "../_folder.ts";

const MAIN = fromFileUrl(new URL("../../cli/main.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));
const VERSION = project.imports["onnxruntime-node"].split("@").at(-1)!;
const NAME = `onnxruntime_gpu-${VERSION}-cp312-cp312-manylinux_2_28_x86_64.whl`;
const PROVIDER = noise(300_000, 4);
const linux = Deno.build.os === "linux" && Deno.build.arch === "x86_64";

function serve(): WheelServer {
  const wheel = makeWheel({
    files: {
      "onnxruntime/capi/libonnxruntime_providers_cuda.so": PROVIDER,
      "onnxruntime/capi/libonnxruntime_providers_shared.so": noise(200, 5),
      "onnxruntime/LICENSE": new TextEncoder().encode("MIT"),
      "onnxruntime/big.bin": noise(50_000, 6),
    },
  });
  return new WheelServer(wheel, { names: [NAME] });
}

/** The program as a user starts it, with a cache of its own. */
function sluice(folder: string, words: readonly string[], env: Record<string, string> = {}) {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--config", CONFIG, MAIN, ...words],
    cwd: folder,
    env: {
      ...{ XDG_CACHE_HOME: `${folder}/cache`, DENO_DIR: denoDir(), NO_COLOR: "1" },
      ...{ SLUICE_ORT_CUDA: "", SLUICE_ORT_LIBRARY: "", PIP_INDEX_URL: "" },
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function ended(child: Deno.ChildProcess) {
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

Deno.test({
  name: "devices install cuda says what comes, keeps it, and the same again fetches nothing",
  ignore: !linux,
  async fn() {
    await using server = serve();
    await inFolder(async (folder) => {
      const place = `${folder}/cache/sluice/onnxruntime-cuda-${VERSION}`;
      const install = ["devices", "install", "cuda", "--index", server.index];
      const first = await ended(sluice(folder, install));
      assertEquals(first.code, 0, first.err);
      assertMatch(first.err, /3 files out of it, 30\d kB of 35\d kB to fetch, 300 kB unpacked/);
      assertStringIncludes(first.err, "licence MIT");
      assertStringIncludes(first.err, "Nothing of NVIDIA's is in it");
      assertStringIncludes(first.out, `The CUDA provider is in ${place}.`);
      assertMatch(first.out, /provider +found +.*libonnxruntime_providers_cuda\.so/);
      assertMatch(first.out, /libcudnn\.so\.9 +(found|missing) +cuDNN, opened on first use/);
      assertEquals(await Deno.readFile(`${place}/libonnxruntime_providers_cuda.so`), PROVIDER);
      const asked = server.seen.length;
      const again = await ended(sluice(folder, [...install, "--json"]));
      assertEquals(JSON.parse(again.out).fetched, 0);
      assertEquals(JSON.parse(again.out).folder, place);
      assertEquals(server.seen.length, asked);
      const anew = await ended(sluice(folder, [...install, "--restart", "--whole", "--json"]));
      assertEquals(JSON.parse(anew.out).record.checked, "whole");
      assertEquals(JSON.parse(anew.out).fetched, server.wheel.length);
      const listed = await ended(sluice(folder, ["devices", "list", "--json"]));
      const { devices, library, cuda } = JSON.parse(listed.out);
      assertEquals(library.source, "devices install cuda");
      assertEquals(devices[0], { device: "cpu", available: true });
      assertEquals(cuda.installed, place);
      const old = `${folder}/cache/sluice/onnxruntime-cuda-1.0.0`;
      await Deno.mkdir(old);
      await Deno.writeTextFile(`${old}/file`, "of another version");
      const removed = await ended(sluice(folder, ["devices", "remove", "cuda"]));
      assertMatch(removed.out, /^cuda: 30\d kB freed/);
      assertEquals([...Deno.readDirSync(`${folder}/cache/sluice`)], []);
      const none = await ended(sluice(folder, ["devices", "remove", "cuda"]));
      assertStringIncludes(none.out, "cuda: not here");
    });
  },
});

Deno.test({
  name: "devices install cuda goes on after Ctrl-C, and nothing has the final name before",
  ignore: !linux,
  async fn() {
    await using server = serve();
    // The connection breaks, and the program waits a second before it asks again.
    server.faults = { drops: [120_000] };
    await inFolder(async (folder) => {
      const sluiceCache = `${folder}/cache/sluice`;
      const install = ["devices", "install", "cuda"];
      const env = { PIP_INDEX_URL: server.index };
      const child = sluice(folder, install, env);
      for (let i = 0; i < 1000 && server.sent < 120_000; i++) {
        await new Promise((go) => setTimeout(go, 10));
      }
      await new Promise((go) => setTimeout(go, 200));
      child.kill("SIGINT");
      const stopped = await ended(child);
      assertEquals(stopped.code, 130, stopped.err);
      assertStringIncludes(stopped.err, "What has come stays");
      assertEquals([...Deno.readDirSync(sluiceCache)].map(({ name }) => name), [
        `onnxruntime-cuda-${VERSION}.part`,
      ]);
      const before = server.sent;
      const second = await ended(sluice(folder, [...install, "-q"], env));
      assertEquals(second.code, 0, second.err);
      assert(server.sent - before < 190_000, `${server.sent - before} bytes came again`);
      assertEquals(
        await Deno.readFile(
          `${sluiceCache}/onnxruntime-cuda-${VERSION}/libonnxruntime_providers_cuda.so`,
        ),
        PROVIDER,
      );
    });
  },
});

Deno.test({
  name: "devices install cuda fails with the way out and leaves nothing",
  ignore: !linux,
  async fn() {
    await inFolder(async (folder) => {
      const { code, err, out } = await ended(
        sluice(folder, ["devices", "install", "cuda", "--index", "pypi.org", "--json"]),
      );
      assertEquals(code, 2);
      assertEquals(err, "");
      assertStringIncludes(
        JSON.parse(out).error.message,
        "expected an address such as https://pypi.org/simple, got pypi.org",
      );
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), []);
    });
  },
});

Deno.test("devices install and remove know cuda alone", async () => {
  for (const word of ["install", "remove"]) {
    const own = await run(["devices", word, "webgpu"]);
    assertEquals(own.code, 2);
    assertStringIncludes(own.err, "webgpu comes with ONNX Runtime. Expected cuda.");
    const other = await run(["devices", word, "tpu"]);
    assertEquals(other.code, 2);
    assertStringIncludes(other.err, `There is nothing to ${word} for "tpu": Expected cuda.`);
    assertEquals((await run(["devices", word])).code, 2);
  }
});

Deno.test("devices install --help tells what is fetched, how it is checked, and what is not in it", async () => {
  const { out } = await run(["devices", "install", "--help"]);
  for (
    const words of ["PIP_INDEX_URL", "--whole", "RECORD", "MIT", "Nothing of NVIDIA's", "--restart"]
  ) assertStringIncludes(out.replace(/\s+/g, " "), words);
  const group = await run(["devices"]);
  for (const word of ["list", "install", "remove"]) assertStringIncludes(group.out, word);
});

const REPORT: DevicesReport = {
  library: { path: "/lib/libonnxruntime.so.1", source: "onnxruntime-node", version: "1.30.0" },
  problem: undefined,
  providers: [],
  devices: [
    { device: "cpu", available: true },
    { device: "webgpu", available: false, reason: "no adapter", remedy: "Install a driver" },
    { device: "cuda:0", available: true },
  ],
  adapter: undefined,
  cuda: {
    provider: { form: "bridge", path: "/lib/provider.so" },
    installed: "/lib",
    driver: { cuda: "13.1", cards: [{ index: 0, name: "Card", memory: 24e9 }] },
    needs: [
      { library: "libcuda.so.1", part: "driver", required: true, found: true, apt: "driver" },
      {
        library: "libcudnn.so.9",
        part: "cuDNN",
        required: false,
        found: false,
        apt: "libcudnn9-cuda-13",
        pip: "nvidia-cudnn-cu13",
      },
    ],
  },
  cudaRemedies: ["Do this", "Or: that"],
};

Deno.test("deviceLines() tells what works, why not, and what to install", () => {
  const lines = deviceLines(REPORT);
  assertMatch(lines[0]!, /^cpu {5}works {3}\d+ processors, ONNX Runtime 1\.30\.0$/);
  assertEquals(lines.slice(1), [
    "webgpu  absent  no adapter",
    "                Install a driver",
    "cuda:0  works   Card, 24.0 GB",
    "",
    "What cuda needs",
    "  provider       found    /lib/provider.so",
    "  libcuda.so.1   found    driver",
    "  libcudnn.so.9  missing  cuDNN, opened on first use  apt: libcudnn9-cuda-13; pip: nvidia-cudnn-cu13",
    "  The driver runs CUDA up to 13.1.",
    "  cuda:0 is Card, 24.0 GB.",
    "",
    "To get it",
    "  Do this",
    "  Or: that",
  ]);
});

Deno.test("deviceLines() tells the remedy of cuda once, and the command where there is no provider", () => {
  const absent = { device: "cuda:0", available: false, reason: "it", remedy: "the way" } as const;
  const devices = [absent];
  assertEquals(deviceLines({ ...REPORT, devices }).slice(0, 2), ["cuda:0  absent  it", ""]);
  assertEquals(deviceLines({ ...REPORT, devices, cudaRemedies: [] }).slice(0, 2), [
    "cuda:0  absent  it",
    "                the way",
  ]);
  const bare = { ...REPORT.cuda!, provider: undefined };
  const lines = deviceLines({ ...REPORT, devices, cuda: bare });
  assertEquals(lines[1]!.trim(), "the way");
  assert(lines.includes("  provider       missing  sluice devices install cuda"));
});
