/** What keys do on the studio's page. */

/** A thing to do. */
export type Shortcut = "start" | "stop" | "play";

/** The part of a keyboard event that decides. */
export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  readonly repeat: boolean;
}

/** Elements that need the space bar themselves. */
const TAKES_SPACE = "input, textarea, select, button, a, summary, [contenteditable], [role=slider]";

/**
 * Ctrl or Cmd with Enter starts, Escape stops, Space plays. Nothing of it happens while a dialog is open,
 * but playing.
 */
export function shortcutOf(
  press: KeyPress,
  { matches, dialog }: {
    /** Whether what has the focus is, or is within, one of these elements. */
    readonly matches: (selector: string) => boolean;
    readonly dialog: boolean;
  },
): Shortcut | undefined {
  const { key, ctrlKey, metaKey, altKey, shiftKey, repeat } = press;
  if (repeat || altKey || shiftKey) return undefined;
  if (key === "Enter" && (ctrlKey || metaKey)) return dialog ? undefined : "start";
  if (ctrlKey || metaKey) return undefined;
  if (key === "Escape") return dialog ? undefined : "stop";
  if (key === " ") return matches(TAKES_SPACE) ? undefined : "play";
}
