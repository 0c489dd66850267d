import { crc32 } from "node:zlib";

/**
 * A PNG with texts put behind its header, as `iTXt` chunks of UTF-8.
 * Format: https://www.w3.org/TR/png-3/#11iTXt
 */
export function withPngTexts(png: Uint8Array, texts: Readonly<Record<string, string>>): Uint8Array {
  const signatureAndHeader = 8 + 25;
  const chunks = Object.entries(texts).map(([key, text]) => pngText(key, text));
  return join([
    png.subarray(0, signatureAndHeader),
    ...chunks,
    png.subarray(signatureAndHeader),
  ]);
}

/** Keyword, end, not compressed, no language, no translated keyword, text. */
function pngText(keyword: string, text: string): Uint8Array {
  const body = new TextEncoder().encode(`iTXt${keyword}\0\0\0\0\0${text}`);
  const chunk = new Uint8Array(4 + body.length + 4);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, body.length - 4);
  chunk.set(body, 4);
  view.setUint32(4 + body.length, crc32(body));
  return chunk;
}

/** The comment extension of GIF89a: a label, then blocks of up to 255 bytes, then an empty one. */
export function gifComment(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const parts = [Uint8Array.of(0x21, 0xfe)];
  for (let at = 0; at < bytes.length; at += 255) {
    const block = bytes.subarray(at, at + 255);
    parts.push(Uint8Array.of(block.length), block);
  }
  parts.push(Uint8Array.of(0));
  return join(parts);
}

/** One array of many. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
