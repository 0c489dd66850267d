/// <reference lib="deno.unstable" />
/** Lint rules of the house: who may import whom, no circles, and only the CLI prints. */

interface Room {
  /** Rooms whose files it may import, beside its own; `engine` means all of them. */
  readonly rooms: readonly string[];
  /** Packages it may import. */
  readonly names: RegExp;
}

const NONE = /^$/;
const ANY = /^/;

/** Rooms that are not here (`tests`, `tools`, `bench`, files at the top) may import anything. */
const ROOMS: Readonly<Record<string, Room>> = {
  "pipeline": { rooms: [], names: /^(@std\/|zod$|yaml$)/ },
  "plugins": { rooms: ["pipeline", "engine", "assets"], names: ANY },
  "engine/tensor": { rooms: [], names: NONE },
  "engine/onnx": { rooms: ["engine/tensor"], names: /^@bufbuild\/protobuf\/wire$/ },
  "engine/networks": { rooms: ["engine/tensor", "engine/onnx"], names: NONE },
  "engine/weights": { rooms: ["engine/tensor"], names: /^(@std\/text|node:crypto)$/ },
  "engine/runtime": { rooms: ["engine/tensor"], names: /^(node:|onnxruntime-node$)/ },
  "engine/diffusion": { rooms: ["engine/tensor"], names: NONE },
  "engine/load": {
    rooms: ["engine/tensor", "engine/onnx", "engine/weights", "engine/runtime"],
    names: NONE,
  },
  "engine/training": { rooms: ["engine"], names: NONE },
  "mod.ts": { rooms: ["pipeline", "plugins", "engine/runtime"], names: NONE },
  "cli": { rooms: ["mod.ts", "pipeline", "server", "engine/training"], names: ANY },
  "server": { rooms: ["mod.ts", "pipeline", "server/wire.ts"], names: ANY },
  "server/wire.ts": { rooms: ["pipeline"], names: NONE },
  "routes": { rooms: ["server", "mod.ts", "pipeline", "islands"], names: ANY },
  "islands": { rooms: ["pipeline", "server/wire.ts"], names: ANY },
  "adapters": { rooms: [], names: ANY },
};

const PRINTING = /^(cli|adapters|bench|tools|tests)\//;
const ROOT = new URL("..", import.meta.url).pathname;

/** A file's path from the top of the repository. */
function fromRoot(file: string): string {
  const path = file.replaceAll("\\", "/");
  return path.startsWith(ROOT) ? path.slice(ROOT.length) : path.replace(/^\//, "");
}

function roomOf(path: string): string {
  // Islands, and what they are made of: folders that hold no routes.
  if (path.startsWith("routes/") && /\(_\w+\)\//.test(path)) return "islands";
  // The one file of the server that the browser may see: types alone.
  if (path === "server/wire.ts") return path;
  const [room = "", inner = ""] = path.split("/");
  return room === "engine" ? `engine/${inner}` : room;
}

function resolveFrom(path: string, address: string): string {
  return new URL(address, `file:///${path}`).pathname.slice(1);
}

/** Why the file at `path` may not import `address`, if so. */
function forbidden(path: string, address: string): string | undefined {
  const from = roomOf(path);
  const room = ROOMS[from];
  if (room === undefined) return undefined;
  if (/^(npm|jsr|https?):/.test(address)) {
    return `import "${address}" by the name that deno.json gives it`;
  }
  const local = address === "sluice" ? "mod.ts" : undefined;
  if (local === undefined && !address.startsWith(".")) {
    return room.names.test(address) ? undefined : `${from} may not import the package ${address}`;
  }
  const target = local ?? resolveFrom(path, address);
  const to = roomOf(target);
  if (from === to && from === "plugins") {
    const [, own] = path.split("/");
    const [, other = ""] = target.split("/");
    return own === other || other.startsWith("_")
      ? undefined
      : `plugins may not import each other: configs join them, by kinds of data`;
  }
  const allowed = from === to ||
    room.rooms.some((each) => to === each || to.startsWith(`${each}/`));
  if (allowed) return undefined;
  return `${from} may not import from ${to}: it may import ${room.rooms.join(", ") || "no room"}`;
}

/** What a source imports by relative address, in any of the ways there are. */
function localImports(source: string): string[] {
  const code = source.replace(/\/\*[^]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const pattern = /(?:\bfrom|\bimport\s*\(|\bimport)\s*"(\.[^"]+)"/g;
  return [...code.matchAll(pattern)].map(([, address = ""]) => address);
}

/** A way from `path` back to it, through files on disk. */
function findCircle(path: string, source: string): readonly string[] | undefined {
  const seen = new Set<string>();
  function visit(
    file: string,
    text: string,
    way: readonly string[],
  ): readonly string[] | undefined {
    for (const address of localImports(text)) {
      const next = resolveFrom(file, address);
      if (next === path) return [...way, next];
      if (seen.has(next)) continue;
      seen.add(next);
      const circle = visit(next, read(ROOT + next), [...way, next]);
      if (circle !== undefined) return circle;
    }
  }
  return visit(path, source, [path]);
}

function read(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch {
    // What cannot be read imports nothing; the type checker complains of a missing file.
    return "";
  }
}

const layers: Deno.lint.Rule = {
  create(context) {
    const path = fromRoot(context.filename);
    function check(node: Deno.lint.Node, source: Deno.lint.Node | null | undefined): void {
      if (source?.type === "TSLiteralType") source = source.literal;
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const message = forbidden(path, source.value);
      if (message !== undefined) context.report({ node, message });
    }
    return {
      ImportDeclaration: (node) => check(node, node.source),
      ExportNamedDeclaration: (node) => check(node, node.source),
      ExportAllDeclaration: (node) => check(node, node.source),
      ImportExpression: (node) => check(node, node.source),
      TSImportType: (node) => check(node, node.argument),
    };
  },
};

const noCircles: Deno.lint.Rule = {
  create(context) {
    return {
      Program(node) {
        const circle = findCircle(fromRoot(context.filename), context.sourceCode.text);
        if (circle === undefined) return;
        context.report({ node, message: `files import each other: ${circle.join(" → ")}` });
      },
    };
  },
};

const onlyCliPrints: Deno.lint.Rule = {
  create(context) {
    if (PRINTING.test(fromRoot(context.filename))) return {};
    return {
      MemberExpression(node) {
        if (node.object.type !== "Identifier" || node.object.name !== "console") return;
        const message = "only cli/ prints: report an event, or call warn";
        context.report({ node, message });
      },
    };
  },
};

export default {
  name: "sluice",
  rules: { layers, "no-circles": noCircles, "only-cli-prints": onlyCliPrints },
} satisfies Deno.lint.Plugin;
