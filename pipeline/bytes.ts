/** Bytes for people, in the unit that reads best, powers of a thousand: `999 bytes`, `6.90 GB`. */
export function showBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6
    ? `${short(bytes / 1e3)} kB`
    : bytes < 1e9
    ? `${short(bytes / 1e6)} MB`
    : `${short(bytes / 1e9)} GB`;
}

/** Three digits. */
function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
