/** What a machine or a network lacks: endpoints of language models, devices. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { assertNothingOpen, type Outcome, silentServer, sluice } from "../_sluice.ts";

const repository = fromFileUrl(new URL("../../", import.meta.url));
const GENERATE = ["generate", "a red ball bounces", "--out", "o.mp4", "--frames", "9"];

/** `generate` with its prompt extended by the model "m" behind an endpoint. */
function extended(endpoint: string, ...more: string[]): Promise<Outcome> {
  return sluice([
    ...GENERATE,
    ...["provider=openai", `endpoint=${endpoint}`, "model=m", ...more].flatMap((setting) => [
      "--set",
      `extend-prompt.${setting}`,
    ]),
  ]);
}

/** A port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  return (listener.addr as Deno.NetAddr).port;
}

Deno.test("an endpoint that is down is told, with the ways out", async () => {
  const port = freePort();
  const { code, err, out, files } = await extended(`http://127.0.0.1:${port}/v1`, "retries=1");
  assertEquals([code, out, files], [2, "", []], err);
  assertMatch(
    err,
    /error: extend-prompt: http:\/\/127\.0\.0\.1:\d+\/v1\/chat\/completions cannot be/,
  );
  assertStringIncludes(
    err,
    "Start the server, check endpoint, or --set extend-prompt.provider=none.",
  );
  assertNothingOpen();
});

Deno.test("an endpoint that is slow is given up after its timeout", async () => {
  // It answers when it is closed, which is when all is over: to come to that is to give it up.
  await using server = silentServer();
  const { code, err, files } = await extended(server.url, "timeout=0.2", "retries=0");
  assertEquals([code, files], [2, []], err);
  assertStringIncludes(
    err,
    "gave no answer within 0.2 s. Raise timeout, choose a smaller model, or",
  );
  assertNothingOpen();
});

Deno.test("an endpoint that is down stops nothing where the prompt may stay as it is", async () => {
  const endpoint = `http://127.0.0.1:${freePort()}/v1`;
  const { code, err, files } = await extended(endpoint, "retries=0", "fallback=original");
  assertEquals([code, files], [0, ["o.mp4"]], err);
  assertStringIncludes(err, "The prompt is used as it was written.");
});

Deno.test("an endpoint that answers extends the prompt", async () => {
  await using server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    () =>
      Response.json({ choices: [{ message: { content: "a blue square spins on a red floor" } }] }),
  );
  const { code, err } = await extended(`http://127.0.0.1:${server.addr.port}/v1`);
  assertEquals(code, 0, err);
  assertStringIncludes(err, "prompt: a blue square spins on a red floor");
});

Deno.test("a device that no machine has is refused with those there are", async () => {
  for (const device of ["gpu", "cuda:x", "CPU"]) {
    const { code, err, files } = await sluice([...GENERATE, "--device", device]);
    assertEquals([code, files], [2, []], err);
    assertStringIncludes(
      err,
      `cannot open device ${device}: expected cpu, webgpu, cuda or cuda:n`,
    );
  }
  assertNothingOpen();
});

Deno.test("the CUDA device is used, or refused with what to install", async () => {
  const { code, err, files } = await sluice([...GENERATE, "--device", "cuda"]);
  if (code === 0) return console.warn("skipped: there is a CUDA device here");
  assertEquals([code, files], [2, []], err);
  assertStringIncludes(err, "cannot use device cuda: ");
  assert(/Install |sluice devices install cuda/.test(err), err);
  assertNothingOpen();
});

/** The program in a process of its own. */
async function spawned(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", `${repository}cli/main.ts`, ...args],
      cwd: folder,
      env: { NO_COLOR: "1" },
      signal: AbortSignal.timeout(30_000),
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), err: text(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the program's exit code tells a mistake from success", async () => {
  const mistake = await spawned(...GENERATE, "--device", "gpu", "--json");
  assertEquals([mistake.code, mistake.err], [2, ""]);
  const { error } = JSON.parse(mistake.out);
  assertEquals(error.code, 2);
  assertStringIncludes(error.message, "cannot open device gpu");
  const fine = await spawned(...GENERATE, "--quiet");
  assertEquals([fine.code, fine.out, fine.err], [0, "o.mp4\n", ""]);
});
