/** What the beginning of an MP4 tells of its pictures. */

/**
 * Width and height in pixels from the track header (`tkhd`) of an MP4's `moov`, ISO/IEC 14496-12 8.3.2;
 * nothing where there is none.
 */
export function sizeOfInit(init: Uint8Array): { width: number; height: number } | undefined {
  const view = new DataView(init.buffer, init.byteOffset, init.byteLength);
  for (let at = 4; at + 4 <= init.length; at++) {
    if (view.getUint32(at) !== TKHD || at + 8 > init.length) continue;
    // The last two fields of the box, in 1/65536 pixels.
    const end = at - 4 + view.getUint32(at - 4);
    if (end > init.length || end < at + 12) return undefined;
    const width = view.getUint32(end - 8) >>> 16;
    const height = view.getUint32(end - 4) >>> 16;
    return width > 0 && height > 0 ? { width, height } : undefined;
  }
}

/** "tkhd" */
const TKHD = 0x746b6864;
