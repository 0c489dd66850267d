/** Short messages that go by themselves. */
import { type Signal, signal } from "@preact/signals";

/** A message. */
export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: "plain" | "danger";
  /** What can be done about it. */
  readonly action?: { readonly label: string; readonly run: () => void };
}

/** Milliseconds that a message stays. */
export const TOAST_TIME = 6000;

/** Messages at a time. */
const MOST = 3;

let last = 0;

/** Those that are shown, newest last. Islands share them; nothing of it happens on the server. */
export const toasts: Signal<readonly Toast[]> = signal([]);

/** Shows a message; gives its number. */
export function showToast(toast: Omit<Toast, "id" | "tone"> & { tone?: Toast["tone"] }): number {
  const id = ++last;
  toasts.value = [...toasts.value, { tone: "plain" as const, ...toast, id }].slice(-MOST);
  setTimeout(() => hideToast(id), TOAST_TIME);
  return id;
}

/** Takes a message away. */
export function hideToast(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}
