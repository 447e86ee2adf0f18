/** Rows drawn over the shared time axis: drag to zoom, click to seek, as on lines. */

import { type PointerEvent, type ReactNode, useEffect, useRef } from 'react';
import { useWidth } from './measured';
import { steer } from './steer';
import { useTimeAxis } from './TimeAxis';
import { formatOnset, type Span, tickStep, ticks, zoomed } from './timeScale';

interface TimeSurfaceProps {
  span: Span;
  /** Of the rows, without the line of times below them. */
  height: number;
  label: string;
  describe(onset: number): string;
  /** Draws the rows, in pixels from where time begins. */
  children(width: number): ReactNode;
  /** What is written in the gutter, before each row. */
  names: { key: string; y: number; text: string; title?: string }[];
}

const FOOT = 24;

export function TimeSurface({ span, height, label, describe, children, names }: TimeSurfaceProps) {
  const axis = useTimeAxis();
  const [host, whole] = useWidth<HTMLDivElement>();
  const { left, right } = axis.gutter;
  const width = Math.max(0, whole - left - right);
  const line = useRef<SVGLineElement>(null);
  const chosen = useRef<SVGRectElement>(null);
  const dragged = useRef<number | null>(null);
  const { from, to } = span;

  useEffect(
    () =>
      axis.cursor.follow((onset) => {
        const x = onset === null ? -1 : ((onset - from) / (to - from)) * width;
        line.current?.setAttribute('transform', `translate(${x} 0)`);
        line.current?.setAttribute('visibility', x < 0 || x > width ? 'hidden' : 'visible');
        const element = host.current;
        if (element && document.activeElement === element && onset !== null) {
          element.setAttribute('aria-valuenow', String(Math.round(onset)));
          element.setAttribute('aria-valuetext', `${formatOnset(onset)}: ${describe(onset)}`);
        }
      }),
    [axis.cursor, from, to, width, describe, host],
  );

  const xOf = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.min(width, Math.max(0, event.clientX - box.left - left));
  };
  const timeOf = (x: number) => from + (x / width) * (to - from);
  const mark = (x: number | null) => {
    const begin = dragged.current;
    const isDrawn = begin !== null && x !== null && Math.abs(x - begin) > 3;
    chosen.current?.setAttribute('x', String(Math.min(begin ?? 0, x ?? 0)));
    chosen.current?.setAttribute('width', isDrawn ? String(Math.abs(x - begin)) : '0');
  };
  const onPointerUp = (event: PointerEvent<SVGSVGElement>) => {
    const begin = dragged.current;
    const end = xOf(event);
    dragged.current = null;
    mark(null);
    if (begin === null) return;
    if (Math.abs(end - begin) > 3) {
      const times = { from: timeOf(Math.min(begin, end)), to: timeOf(Math.max(begin, end)) };
      axis.setWindow(zoomed(times, 1));
    } else {
      axis.cursor.seek(timeOf(end));
    }
  };
  const step = tickStep(span, width / 90);
  return (
    <div
      ref={host}
      className="time-surface"
      role="slider"
      tabIndex={0}
      aria-label={`${label} Arrow keys move in time, + and − zoom, Escape shows everything.`}
      aria-valuemin={Math.round(from)}
      aria-valuemax={Math.round(to)}
      aria-valuenow={Math.round(from)}
      aria-valuetext={`${formatOnset(from)}: ${describe(from)}`}
      onKeyDown={(event) => steer(event, axis, span)}
    >
      {width > 0 && (
        <svg
          width={whole}
          height={height + FOOT}
          aria-hidden="true"
          onPointerDown={(event) => {
            if (event.button !== 0 || event.pointerType === 'touch') return;
            dragged.current = xOf(event);
          }}
          onPointerMove={(event) => {
            axis.cursor.set(timeOf(xOf(event)));
            mark(xOf(event));
          }}
          onPointerUp={onPointerUp}
          onPointerLeave={() => {
            dragged.current = null;
            mark(null);
            axis.cursor.set(null);
          }}
          onDoubleClick={() => axis.setWindow(null)}
        >
          <g className="surface-names">
            {names.map(({ key, y, text, title }) => (
              <text key={key} x={left - 8} y={y} textAnchor="end" dominantBaseline="central">
                <title>{title ?? text}</title>
                {text}
              </text>
            ))}
          </g>
          <g transform={`translate(${left} 0)`}>
            <g className="surface-grid">
              {ticks(span, step).map((onset) => {
                const x = ((onset - from) / (to - from)) * width;
                return (
                  <g key={onset} transform={`translate(${x} 0)`}>
                    <line y2={height} />
                    <text y={height + 15} textAnchor="middle">
                      {formatOnset(onset, step)}
                    </text>
                  </g>
                );
              })}
            </g>
            {children(width)}
            <rect ref={chosen} className="surface-chosen" height={height} width={0} />
            <line ref={line} className="surface-cursor" y2={height} visibility="hidden" />
          </g>
        </svg>
      )}
    </div>
  );
}
