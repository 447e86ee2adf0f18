import './Progress.css';

interface ProgressProps {
  /** Null while nobody knows how far it is. */
  value: number | null;
  max: number;
  label: string;
}

export function Progress({ value, max, label }: ProgressProps) {
  return (
    <progress className="progress" aria-label={label} max={max} value={value ?? undefined}>
      {label}
    </progress>
  );
}
