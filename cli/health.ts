/** The machine as `doctor` sees it. */
import type { Host } from "./app.ts";
import type { Diagnosis, Finding } from "./diagnosis.ts";
import { size } from "./progress.ts";
import { table } from "./table.ts";

/** A diagnosis, and what Deno itself knows. */
export interface Health extends Diagnosis {
  readonly system: {
    readonly os: string;
    readonly arch: string;
    /** Processors that programs may use. */
    readonly cores: number;
    /** Bytes of memory in all, and free for programs; null without permission to ask. */
    readonly memory: number | null;
    readonly freeMemory: number | null;
  };
  readonly permissions: readonly Finding[];
}

/** What each permission is for. Without the needed ones no file can be made. */
const PERMISSIONS: readonly [name: Deno.PermissionName, needed: boolean, use: string][] = [
  ["ffi", true, "ONNX Runtime and FFmpeg are native libraries"],
  ["read", true, "configs, weights and tokenizers are read from files"],
  ["write", true, "videos are written to files"],
  ["env", true, "native libraries and the config reader look at variables"],
  ["sys", false, "memory and processors are asked for"],
  ["net", false, "prompts can be extended by a language model's endpoint"],
];

/** Looks at everything; a probe that throws becomes a finding. */
export async function examine(host: Host): Promise<Health> {
  const diagnosis = await host.diagnose().catch((error): Diagnosis => ({
    versions: {},
    devices: [],
    libraries: [{ name: "engine", state: "missing", detail: String(error?.message ?? error) }],
    assets: [],
  }));
  const memory = allowed("sys") ? Deno.systemMemoryInfo() : undefined;
  return {
    ...diagnosis,
    versions: {
      sluice: host.version,
      deno: Deno.version.deno,
      v8: Deno.version.v8,
      ...diagnosis.versions,
    },
    system: {
      os: Deno.build.os,
      arch: Deno.build.arch,
      cores: navigator.hardwareConcurrency,
      memory: memory?.total ?? null,
      freeMemory: memory?.available ?? null,
    },
    permissions: PERMISSIONS.map(([name, needed, use]) => permission(name, needed, use)),
  };
}

function allowed(name: Deno.PermissionName): boolean {
  return Deno.permissions.querySync({ name }).state === "granted";
}

function permission(name: Deno.PermissionName, needed: boolean, use: string): Finding {
  if (allowed(name)) return { name, state: "ok", detail: "granted" };
  const state = needed ? "missing" : "absent";
  return { name, state, detail: use, remedy: `run with --allow-${name}` };
}

/** Whether nothing needed is missing. */
export function isHealthy(health: Health): boolean {
  return sections(health).every(([, findings]) =>
    findings.every(({ state }) => state !== "missing")
  );
}

/** The same for people. */
export function healthLines(health: Health): string[] {
  const { system, versions } = health;
  const memory = system.memory === null || system.freeMemory === null
    ? "memory unknown"
    : `${size(system.memory)} of memory, ${size(system.freeMemory)} free`;
  const lines = [
    `${system.os} ${system.arch}, ${system.cores} processors, ${memory}`,
    ...title("Versions", table(Object.entries(versions))),
  ];
  for (const [name, findings] of sections(health)) {
    if (findings.length) lines.push(...title(name, findingLines(findings)));
  }
  lines.push("", isHealthy(health) ? "Ready." : "Something needed is missing: see above.");
  return lines;
}

function sections(health: Health): [title: string, findings: readonly Finding[]][] {
  return [
    ["Devices", health.devices],
    ["Libraries", health.libraries],
    ["Assets", health.assets],
    ["Permissions", health.permissions],
  ];
}

function title(name: string, lines: readonly string[]): string[] {
  return ["", name, ...lines.map((line) => `  ${line}`)];
}

function findingLines(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings.flatMap(({ name, state, detail, remedy }) => [
    `${name.padEnd(width)}  ${state.padEnd(7)}  ${detail}`,
    ...(remedy ? [`${" ".repeat(width + 11)}${remedy}`] : []),
  ]);
}
