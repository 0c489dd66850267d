/** What `devices list`, `install` and `remove` do and print. */
import type { CudaPlan, CudaReport, DevicesReport, WheelOptions, WheelRecord } from "../mod.ts";
import type { App } from "./app.ts";
import { allowed, Interrupted, mistake } from "./failure.ts";
import { FetchView } from "./fetch_view.ts";
import { freeSpace } from "./free_space.ts";
import { seconds, size } from "./progress.ts";
import { onLeaving } from "./signals.ts";
import { table } from "./table.ts";

/** What `devices install` was told. */
export interface InstallRequest {
  readonly device: string;
  readonly index: string | undefined;
  readonly whole: boolean;
  readonly restart: boolean;
  readonly yes: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** Prints every device, and what CUDA has and lacks. */
export async function list(app: App, json: boolean): Promise<void> {
  const { inspectDevices } = await import("../mod.ts");
  const report = await inspectDevices();
  if (json) return app.screen.out(JSON.stringify(report, undefined, 2));
  for (const line of deviceLines(report)) app.screen.out(line);
}

/** The report for people. */
export function deviceLines(report: DevicesReport): string[] {
  const width = Math.max(...report.devices.map(({ device }) => device.length));
  const below = report.cuda !== undefined && report.cuda.needs.length > 0;
  const lines = report.devices.flatMap((each) => {
    const name = each.device.padEnd(width);
    if (each.available) return [`${name}  works   ${aboutDevice(each.device, report)}`.trimEnd()];
    // What NVIDIA's part of it lacks is told once, below.
    const told = below && each.device.startsWith("cuda") && report.cuda?.provider !== undefined &&
      report.cudaRemedies.length > 0;
    const remedy = told || !each.remedy ? [] : [`${" ".repeat(width + 10)}${each.remedy}`];
    return [`${name}  absent  ${each.reason}`, ...remedy];
  });
  if (report.library === undefined) lines.unshift(`ONNX Runtime: ${report.problem}`);
  return report.cuda ? [...lines, ...cudaLines(report.cuda, report.cudaRemedies)] : lines;
}

/** What is known of a device that works. */
function aboutDevice(device: string, { library, adapter, cuda }: DevicesReport): string {
  if (device === "cpu") {
    return `${navigator.hardwareConcurrency} processors, ONNX Runtime ${library?.version}`;
  }
  if (device === "webgpu") return adapter ?? "";
  const index = Number(device.split(":")[1] ?? 0);
  const card = cuda?.driver?.cards.find((each) => each.index === index);
  return card ? `${card.name}, ${size(card.memory)}` : "";
}

/** What CUDA has and lacks, library by library. */
export function cudaLines(
  { provider, driver, needs }: CudaReport,
  remedies: readonly string[],
): string[] {
  if (needs.length === 0) return [];
  const rows = needs.map(({ library, part, required, found, apt, pip }) => [
    library,
    found ? "found  " : "missing",
    required ? part : `${part}, opened on first use`,
    found ? "" : `apt: ${apt}${pip ? `; pip: ${pip}` : ""}`,
  ]);
  const width = Math.max(...needs.map(({ library }) => library.length));
  const own = provider
    ? ["provider".padEnd(width), "found  ", provider.path]
    : ["provider".padEnd(width), "missing", "sluice devices install cuda"];
  const cards = driver?.cards ?? [];
  const told = [
    ...table([own]),
    ...table(rows),
    ...(driver ? [`The driver runs CUDA up to ${driver.cuda}.`] : []),
    ...(driver?.problem ? [`The driver says: ${driver.problem}.`] : []),
    ...cards.map(({ index, name, memory }) => `cuda:${index} is ${name}, ${size(memory)}.`),
  ];
  return [
    "",
    "What cuda needs",
    ...told.map((line) => `  ${line}`),
    ...(remedies.length > 0 ? ["", "To get it", ...remedies.map((each) => `  ${each}`)] : []),
  ];
}

/** Gets the CUDA provider. */
export async function install(app: App, request: InstallRequest): Promise<void> {
  checkDevice(request.device, "install");
  const { installedCuda, planCuda } = await import("../mod.ts");
  const folder = request.restart ? undefined : await installedCuda();
  if (folder !== undefined) return await report(app, request, folder);
  const abort = new AbortController();
  const leave = () =>
    abort.abort(
      new Interrupted("Stopped. What has come stays: the same command goes on from there."),
    );
  using _listening = onLeaving({ stop: leave, abort: leave });
  const view = new FetchView(app.screen, request);
  const options: WheelOptions = {
    whole: request.whole,
    restart: request.restart,
    signal: abort.signal,
    freeSpace,
    onEvent: (event) => {
      if (event.type !== "unpack") view.hear(event);
      else view.print(`${event.file}: unpacking and checking ${size(event.bytes)}`);
    },
  };
  const plan = await allowed(() => planCuda(indexOf(request), options));
  agree(app, plan, request);
  view.begin(new Map(), plan.coming);
  let record: WheelRecord;
  try {
    record = await allowed(() => plan.install());
  } finally {
    view.end();
  }
  if (!request.quiet && !request.json) {
    app.screen.err(`${size(view.fetched)} in ${seconds(view.seconds)}\n`);
  }
  await report(app, request, plan.folder, { record, fetched: view.fetched });
  if (plan.separate && !request.json) {
    app.screen.out(
      `For runs on cuda: set SLUICE_ORT_CUDA=${plan.folder}. ` +
        "The library there has CUDA and no WebGPU.",
    );
  }
}

/** Says what is to come before it comes, and asks where somebody is there to answer. */
function agree(app: App, plan: CudaPlan, { yes, json }: InstallRequest): void {
  const { coming, files, folder, unpacked, version, wheel, wheelBytes } = plan;
  const whole = wheelBytes === undefined ? "" : ` of ${size(wheelBytes)}`;
  const fetch = coming === undefined ? "bytes of unknown number" : size(coming);
  const how = files === undefined ? "the whole wheel" : `${files} files out of it`;
  app.screen.err(
    `${wheel}: ${how}, ${fetch}${whole} to fetch` +
      `${unpacked === undefined ? "" : `, ${size(unpacked)} unpacked`}, into ${folder}\n` +
      `ONNX Runtime, licence MIT; https://pypi.org/project/onnxruntime-gpu/${version}/. ` +
      "Nothing of NVIDIA's is in it.\n",
  );
  if (yes || json || !Deno.stdin.isTerminal() || !app.screen.live) return;
  if (!confirm(coming === undefined ? "Fetch it?" : `Fetch ${fetch}?`)) {
    throw new Interrupted("Nothing was fetched.");
  }
}

/** Where it is, and what of NVIDIA's is missing. */
async function report(
  app: App,
  { json, quiet }: InstallRequest,
  folder: string,
  got?: { readonly record: WheelRecord; readonly fetched: number },
): Promise<void> {
  const { inspectDevices } = await import("../mod.ts");
  const { cuda, cudaRemedies } = await inspectDevices([]);
  if (json) {
    const plain = {
      folder,
      fetched: got?.fetched ?? 0,
      record: got?.record ?? null,
      cuda,
      cudaRemedies,
    };
    return app.screen.out(JSON.stringify(plain, undefined, 2));
  }
  app.screen.out(`The CUDA provider is in ${folder}.`);
  if (quiet || cuda === undefined) return;
  for (const line of cudaLines(cuda, cudaRemedies)) app.screen.out(line);
}

/** Removes the CUDA provider. */
export async function remove(app: App, device: string, json: boolean): Promise<void> {
  checkDevice(device, "remove");
  const { removeCuda } = await import("../mod.ts");
  const bytes = await allowed(removeCuda);
  if (json) return app.screen.out(JSON.stringify({ device, bytes }));
  app.screen.out(bytes > 0 ? `${device}: ${size(bytes)} freed` : `${device}: not here`);
}

function checkDevice(device: string, what: string): void {
  if (device === "cuda") return;
  const here = device === "cpu" || device === "webgpu" ? `${device} comes with ONNX Runtime. ` : "";
  throw mistake(`There is nothing to ${what} for "${device}": ${here}Expected cuda.`);
}

function indexOf({ index }: InstallRequest): string {
  if (index !== undefined) return index;
  const { state } = Deno.permissions.querySync({ name: "env", variable: "PIP_INDEX_URL" });
  const named = state === "granted" ? Deno.env.get("PIP_INDEX_URL") : undefined;
  return named || "https://pypi.org/simple";
}
