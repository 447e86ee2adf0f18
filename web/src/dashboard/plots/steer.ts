import type { KeyboardEvent } from 'react';
import type { Axis } from './TimeAxis';
import { type Span, shifted, zoomed } from './timeScale';

/** Keys, as on a slider; `+` and `−` zoom around the cursor. */
export function steer(event: KeyboardEvent, axis: Axis, span: Span): void {
  const at = axis.cursor.onset ?? span.from;
  const step = (span.to - span.from) / (event.shiftKey ? 20 : 200);
  const go = (onset: number) => axis.cursor.set(Math.min(span.to - 1, Math.max(span.from, onset)));
  const keys: Record<string, () => void> = {
    ArrowRight: () => go(at + step),
    ArrowLeft: () => go(at - step),
    Home: () => go(span.from),
    End: () => go(span.to),
    PageDown: () => axis.setWindow(shifted(span, 0.5)),
    PageUp: () => axis.setWindow(shifted(span, -0.5)),
    '+': () => axis.setWindow(zoomed(span, 0.5, at)),
    '=': () => axis.setWindow(zoomed(span, 0.5, at)),
    '-': () => axis.setWindow(zoomed(span, 2, at)),
    Enter: () => axis.cursor.seek(at),
    Escape: () => axis.setWindow(null),
  };
  const found = keys[event.key];
  if (!found || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  found();
}
