import { percent, toneOf } from './quality';

interface BarProps {
  /** 0 to 1; null where nothing can be expected. */
  completeness: number | null;
  expected: number | null;
  label: string;
  /** Within a table of many: no sentence beside it. */
  small?: boolean;
}

/** How much of what was expected came. */
export function Bar({ completeness, expected, label, small = false }: BarProps) {
  if (completeness === null) {
    return small ? (
      <span className="muted" title={`${label}: nothing is expected`}>
        –
      </span>
    ) : (
      <span className="muted">nothing is expected</span>
    );
  }
  const text = percent(completeness);
  return (
    <span
      className={small ? 'bar small' : 'bar'}
      title={`${label}: ${text} of ${expected?.toLocaleString('en')}`}
    >
      <span className="bar-track" aria-hidden="true">
        <span
          className={`bar-fill ${toneOf(completeness)}`}
          style={{ width: `${100 * completeness}%` }}
        />
      </span>
      <span className="bar-text">{text}</span>
      {!small && expected !== null && (
        <span className="muted">of {expected.toLocaleString('en')}</span>
      )}
    </span>
  );
}
