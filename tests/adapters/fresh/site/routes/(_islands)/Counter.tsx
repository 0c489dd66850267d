import type { Signal } from "@preact/signals";

export default function Counter({ count, step }: { count: Signal<number>; step: number }) {
  return (
    <p class={`step${step}`}>
      <output>{count}</output>
      <button type="button" onClick={() => count.value += step}>+{step}</button>
    </p>
  );
}
