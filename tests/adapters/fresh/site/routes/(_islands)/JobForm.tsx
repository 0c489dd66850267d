import { useComputed, useSignal } from "@preact/signals";
import { IS_BROWSER } from "fresh/runtime";
import { useEffect } from "preact/hooks";
import type { Job } from "../../utils.ts";

interface Props {
  readonly initial: readonly Job[];
  readonly hint: string;
  readonly since: Date;
}

export default function JobForm({ initial, hint, since }: Props) {
  const jobs = useSignal(initial);
  const prompt = useSignal("");
  const total = useComputed(() => jobs.value.length);

  useEffect(() => {
    const source = new EventSource("/api/events");
    source.addEventListener("job", ({ data }) => jobs.value = [...jobs.value, JSON.parse(data)]);
    return () => source.close();
  }, []);

  async function submit(event: SubmitEvent) {
    event.preventDefault();
    await fetch("/api/jobs", { method: "POST", body: JSON.stringify({ prompt: prompt.value }) });
    prompt.value = "";
  }

  return (
    <form onSubmit={submit} data-live={IS_BROWSER ? "yes" : "no"}>
      <label>
        Prompt{" "}
        <input
          name="prompt"
          value={prompt}
          onInput={({ currentTarget }) => prompt.value = currentTarget.value}
        />
      </label>
      <button type="submit" disabled={!IS_BROWSER}>Add</button>
      <p id="hint">{hint} {since.toISOString()}</p>
      <p id="total">{total} jobs</p>
      <ul>{jobs.value.map(({ id, prompt }) => <li key={id}>{prompt}</li>)}</ul>
    </form>
  );
}
