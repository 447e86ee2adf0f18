/** Buttons for what mouse and keys do on a time axis, and which window is shown. */

import type { ReactNode } from 'react';
import { Button } from '../ui';
import { useTimeAxis } from './TimeAxis';
import { formatOnset, type Span, shifted, tickStep, zoomed } from './timeScale';

export function ZoomButtons({ span }: { span: Span }) {
  const axis = useTimeAxis();
  const step = Math.min(1000, tickStep(span, 100));
  return (
    <fieldset className="zoom-buttons" aria-label="Window of time">
      <span className="zoom-window">
        {formatOnset(span.from, step)} – {formatOnset(span.to, step)}
      </span>
      <IconButton
        label="Earlier"
        text="‹"
        onClick={() => axis.setWindow(shifted(span, -0.5))}
        disabled={!axis.window}
      />
      <IconButton
        label="Later"
        text="›"
        onClick={() => axis.setWindow(shifted(span, 0.5))}
        disabled={!axis.window}
      />
      <IconButton
        label="Zoom out"
        text="−"
        onClick={() => axis.setWindow(zoomed(span, 2))}
        disabled={!axis.window}
      />
      <IconButton label="Zoom in" text="+" onClick={() => axis.setWindow(zoomed(span, 0.5))} />
      <Button kind="quiet" onClick={() => axis.setWindow(null)} disabled={!axis.window}>
        Show all
      </Button>
    </fieldset>
  );
}

interface IconButtonProps {
  label: string;
  text: ReactNode;
  onClick(): void;
  disabled?: boolean;
}

function IconButton({ label, text, onClick, disabled = false }: IconButtonProps) {
  return (
    <Button
      kind="quiet"
      className="icon-button"
      aria-label={label}
      title={label}
      onClick={onClick}
      disabled={disabled}
    >
      {text}
    </Button>
  );
}

interface LegendItem {
  key: string;
  label: string;
  color: string;
  /** What lies at the cursor, or all in all. */
  value?: string;
}

interface LegendProps {
  label: string;
  items: readonly LegendItem[];
  hidden: ReadonlySet<string>;
  onToggle(key: string): void;
}

/** Who is drawn in which colour; a click hides a line, and shows it again. */
export function Legend({ label, items, hidden, onToggle }: LegendProps) {
  return (
    <ul className="legend" aria-label={label}>
      {items.map(({ key, label: name, color, value }) => (
        <li key={key}>
          <button
            type="button"
            className="legend-item"
            aria-pressed={!hidden.has(key)}
            title={hidden.has(key) ? `Show ${name}` : `Hide ${name}`}
            onClick={() => onToggle(key)}
          >
            <span className="legend-key" style={{ background: color }} />
            {name} {value !== undefined && <span className="legend-value">{value}</span>}
          </button>
        </li>
      ))}
    </ul>
  );
}
