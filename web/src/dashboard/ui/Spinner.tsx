import './Spinner.css';

/** Shown after a moment only, so that quick answers do not flicker. */
export function Spinner({ label = 'Loading' }: { label?: string }) {
  return (
    <p className="spinner" role="status">
      {label} …
    </p>
  );
}
