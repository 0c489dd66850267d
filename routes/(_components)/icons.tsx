/** Drawings for buttons, 20 units square, in the colour of the text. */
import type { ComponentChildren } from "preact";

/** Names of the drawings. */
export type IconName = keyof typeof PATHS;

const PATHS = {
  play: <path d="M6 4.2v11.6a.6.6 0 0 0 .92.5l8.9-5.8a.6.6 0 0 0 0-1L6.92 3.7a.6.6 0 0 0-.92.5Z" />,
  pause: <path d="M5.5 4h3v12h-3zM11.5 4h3v12h-3z" />,
  stop: <rect x="4.5" y="4.5" width="11" height="11" rx="1.5" />,
  dice: (
    <>
      <rect x="3" y="3" width="14" height="14" rx="3" fill="none" stroke="currentColor" />
      <circle cx="7" cy="7" r="1.3" />
      <circle cx="13" cy="7" r="1.3" />
      <circle cx="10" cy="10" r="1.3" />
      <circle cx="7" cy="13" r="1.3" />
      <circle cx="13" cy="13" r="1.3" />
    </>
  ),
  loop: stroke(
    <path d="M4 9a5 5 0 0 1 5-4h5m0 0-2.5-2.5M14 5l-2.5 2.5M16 11a5 5 0 0 1-5 4H6m0 0 2.5 2.5M6 15l2.5-2.5" />,
  ),
  download: stroke(<path d="M10 3v9m0 0 3.5-3.5M10 12 6.5 8.5M4 16h12" />),
  full: stroke(<path d="M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4" />),
  again: stroke(<path d="M16 10a6 6 0 1 1-2-4.5M16 3v3.5h-3.5" />),
  trash: stroke(<path d="M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6M8.5 9v4.5M11.5 9v4.5" />),
  close: stroke(<path d="m5 5 10 10M15 5 5 15" />),
  plus: stroke(<path d="M10 4v12M4 10h12" />),
  up: stroke(<path d="M10 16V4m0 0L5.5 8.5M10 4l4.5 4.5" />),
  down: stroke(<path d="M10 4v12m0 0 4.5-4.5M10 16l-4.5-4.5" />),
  warning: stroke(<path d="M10 3.5 17.5 16h-15zM10 8v4m0 2v.2" />),
  picture: stroke(<path d="M3.5 4h13v12h-13zM3.5 13l4-4 3.5 3.5 2-2 3.5 3M13 7.5v.2" />),
  onward: stroke(<path d="M3.5 10h9M12.5 10 9 6.5M12.5 10 9 13.5M16.5 4v12" />),
  reset: stroke(<path d="M4 10a6 6 0 1 0 2-4.5M4 3v3.5h3.5" />),
} as const;

function stroke(children: ComponentChildren) {
  return (
    <g
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      {children}
    </g>
  );
}

/** A drawing; says nothing to screen readers. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {PATHS[name]}
    </svg>
  );
}
