/** The sign of Sluice: a gate that lets a stream through. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path class="gate" d="M4 3.5h4v17H4zM16 3.5h4v17h-4z" />
      <path class="water" d="M9.5 9h5v3h-5zM9.5 14h5v2.5h-5zM9.5 18.5h5v2h-5z" />
    </svg>
  );
}
