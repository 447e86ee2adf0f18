/** The time axis that plots share: the window they show, what there is, and the cursor. */

import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import { setSearch, useSearchState } from '../url/state';
import { TimeCursor } from './cursor';
import { SHORTEST_SPAN, type Span, union, within } from './timeScale';

export interface Axis {
  /** What one has zoomed to; null for all there is. */
  window: Span | null;
  /** What there is, as far as the plots have said; null until one of them has. */
  extent: Span | null;
  setWindow(span: Span | null): void;
  /** A plot says from when to when it has something to show. */
  report(source: string, span: Span | null): void;
  cursor: TimeCursor;
  /** Widths in pixels left and right of where time is drawn: the same, so that plots line up. */
  gutter: { left: number; right: number };
}

const AxisContext = createContext<Axis | null>(null);

export function useTimeAxis(): Axis {
  const axis = useContext(AxisContext);
  if (axis === null) throw new Error('Plots over time are drawn within a TimeAxis.');
  return axis;
}

/** Joins the axis around it, if there is one; the window is in the address (`from`, `to`). */
export function TimeAxis({ gutter, children }: { gutter?: Axis['gutter']; children: ReactNode }) {
  const outer = useContext(AxisContext);
  return outer ? children : <NewAxis gutter={gutter}>{children}</NewAxis>;
}

const NARROW_GUTTER = { left: 52, right: 14 };

function NewAxis({
  gutter = NARROW_GUTTER,
  children,
}: {
  gutter?: Axis['gutter'] | undefined;
  children: ReactNode;
}) {
  const [from] = useSearchState('from');
  const [to] = useSearchState('to');
  const [extents, setExtents] = useState<ReadonlyMap<string, Span>>(new Map());
  const [cursor] = useState(() => new TimeCursor());
  const extent = useMemo(() => union(extents.values()), [extents]);
  const window = useMemo(() => spanIn(from, to), [from, to]);
  const setWindow = useCallback(
    (span: Span | null) => {
      const inside = span && extent ? within(span, extent) : span;
      const isAll = inside && extent && inside.from <= extent.from && inside.to >= extent.to;
      const next = isAll ? null : inside;
      setSearch({
        from: next ? String(Math.round(next.from)) : null,
        to: next ? String(Math.round(next.to)) : null,
      });
    },
    [extent],
  );
  const report = useCallback((source: string, span: Span | null) => {
    setExtents((known) => {
      const before = known.get(source);
      if (before?.from === span?.from && before?.to === span?.to) return known;
      const next = new Map(known);
      if (span) next.set(source, span);
      else next.delete(source);
      return next;
    });
  }, []);
  const axis = useMemo(
    () => ({ window, extent, setWindow, report, cursor, gutter }),
    [window, extent, setWindow, report, cursor, gutter],
  );
  return <AxisContext value={axis}>{children}</AxisContext>;
}

/** Null for anything that is not a span of whole milliseconds. */
function spanIn(from: string | null, to: string | null): Span | null {
  if (!/^-?\d{1,12}$/.test(from ?? '') || !/^-?\d{1,12}$/.test(to ?? '')) return null;
  const span = { from: Number(from), to: Number(to) };
  return span.to - span.from < SHORTEST_SPAN ? null : span;
}
