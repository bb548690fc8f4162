// The mark: a tree trained along a trellis.

export function Mark(props: { size?: number }) {
  const size = props.size ?? 24;
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="var(--e-leaf)"
      strokeWidth="2"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path d="M12 3v18M7 21h10M4 6v2a3 3 0 0 0 3 3h10a3 3 0 0 0 3-3V6M7 11v1a3 3 0 0 0 3 3h4a3 3 0 0 0 3-3v-1" />
    </svg>
  );
}
