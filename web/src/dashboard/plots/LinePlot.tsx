/** Lines over the shared time axis: drag to zoom, click to seek, a cursor for keys and mouse. */

import { useEffect, useRef } from 'react';
import { colorOf, useScheme, useWidth } from './measured';
import { steer } from './steer';
import { useTimeAxis } from './TimeAxis';
import { formatOnset, type Span, tickStep, ticks, zoomed } from './timeScale';
import uPlot from './uplot';

export interface LineStyle {
  label: string;
  /** A CSS colour, `var(--series-1)`. */
  color: string;
  /** What is drawn thick; the edges of a band are not drawn by themselves. */
  edge?: boolean;
  shown?: boolean;
}

export interface LinePlotProps {
  /** Times in ms, then a column for each of `lines`. */
  data: uPlot.AlignedData;
  lines: LineStyle[];
  /** Pairs of indices of `lines`: what lies between the two is tinted. */
  bands?: [number, number][];
  span: Span;
  y: { range: [number, number]; splits: number[]; format(value: number): string; asinh?: number };
  height: number;
  /** Draws behind the lines. */
  backdrop?: (plot: uPlot, color: (css: string, opacity?: number) => string) => void;
  /** What is shown, for who cannot see it. */
  label: string;
  /** Says what lies at a time, for who cannot see it. */
  describe(onset: number): string;
  timeLabels?: boolean;
}

export function LinePlot(props: LinePlotProps) {
  const { data, lines, bands = [], span, y, height, label, describe, timeLabels = true } = props;
  const axis = useTimeAxis();
  const scheme = useScheme();
  const [host, width] = useWidth<HTMLDivElement>();
  const plot = useRef<uPlot | null>(null);
  const now = useRef({ ...props, axis });
  now.current = { ...props, axis };

  // A plot is made anew when its lines are others; data and window are handed to the one there is.
  const make = JSON.stringify([
    lines,
    bands,
    y.range,
    height,
    scheme,
    width > 0,
    timeLabels,
    axis.gutter,
  ]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `make` says when, `now` has what.
  useEffect(() => {
    const box = host.current;
    if (!box || width === 0) return;
    const color = (css: string, opacity?: number) => colorOf(box, css, opacity);
    const made = new uPlot(optionsOf(now, width, color), now.current.data, box);
    plot.current = made;
    const follow = axis.cursor.follow((onset) => {
      if (made.cursor.event && made.root.matches(':hover')) return;
      const left = onset === null ? -10 : made.valToPos(onset, 'x');
      made.setCursor(
        { left: left < 0 || left > made.bbox.width / uPlot.pxRatio ? -10 : left, top: -10 },
        false,
      );
    });
    return () => {
      follow();
      made.destroy();
      plot.current = null;
    };
  }, [make, axis.cursor]);

  useEffect(() => {
    plot.current?.setData(data, true);
  }, [data]);
  useEffect(() => {
    plot.current?.setScale('x', { min: span.from, max: span.to });
  }, [span.from, span.to]);
  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height });
  }, [width, height]);

  const slider = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const say = (onset: number | null) => {
      const element = slider.current;
      if (!element || document.activeElement !== element || onset === null) return;
      element.setAttribute('aria-valuenow', String(Math.round(onset)));
      element.setAttribute(
        'aria-valuetext',
        `${formatOnset(onset)}: ${now.current.describe(onset)}`,
      );
    };
    return axis.cursor.follow(say);
  }, [axis.cursor]);

  return (
    <div
      ref={slider}
      className="line-plot"
      role="slider"
      tabIndex={0}
      aria-label={`${label} Arrow keys move in time, + and − zoom, Escape shows everything.`}
      aria-valuemin={Math.round(span.from)}
      aria-valuemax={Math.round(span.to)}
      aria-valuenow={Math.round(span.from)}
      aria-valuetext={`${formatOnset(span.from)}: ${describe(span.from)}`}
      onKeyDown={(event) => steer(event, axis, span)}
    >
      <div ref={host} className="line-plot-canvas" />
    </div>
  );
}

type Live = { current: LinePlotProps & { axis: ReturnType<typeof useTimeAxis> } };

function optionsOf(
  now: Live,
  width: number,
  color: (css: string, opacity?: number) => string,
): uPlot.Options {
  const { lines, bands = [], y, height, axis, timeLabels = true } = now.current;
  const ink = { line: color('var(--line)'), text: color('var(--muted)') };
  const font = '11px system-ui, sans-serif';
  return {
    width,
    height,
    padding: [8, axis.gutter.right, 0, 0],
    legend: { show: false },
    focus: { alpha: 1 },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: 4 },
      bind: {
        dblclick: () => () => {
          now.current.axis.setWindow(null);
          return null;
        },
        mouseleave: (_plot, _target, handle) => (event) => {
          handle(event);
          now.current.axis.cursor.set(null);
          return null;
        },
      },
    },
    scales: {
      x: { time: false, range: () => [now.current.span.from, now.current.span.to] },
      y: y.asinh
        ? { distr: 4, asinh: y.asinh, range: () => now.current.y.range }
        : { range: () => now.current.y.range },
    },
    axes: [
      {
        stroke: ink.text,
        font,
        size: timeLabels ? 26 : 6,
        gap: 4,
        grid: { stroke: ink.line, width: 1 },
        ticks: { show: false },
        splits: (plot) => timeTicks(plot, now.current.span),
        values: (plot, splits) => {
          if (!timeLabels) return splits.map(() => '');
          const step = tickStep(now.current.span, plot.width / 90);
          return splits.map((onset) => formatOnset(onset, step));
        },
      },
      {
        stroke: ink.text,
        font,
        size: axis.gutter.left,
        gap: 6,
        grid: { stroke: ink.line, width: 1 },
        ticks: { show: false },
        splits: () => now.current.y.splits,
        filter: (_plot, splits) => splits, // scales like a logarithm would leave some out
        values: (_plot, splits) => splits.map(now.current.y.format),
      },
    ],
    series: [
      {},
      ...lines.map(({ color: css, edge, shown = true, label }) => ({
        label,
        show: shown,
        stroke: color(css, edge ? 0 : 1),
        width: edge ? 0 : 1.5,
        points: edge ? { show: false } : { size: 4, fill: color(css) },
      })),
    ],
    bands: bands.map(([upper, lower]) => ({
      series: [upper + 1, lower + 1] as [number, number],
      fill: color(lines[upper]?.color ?? '', 0.16),
    })),
    hooks: {
      drawClear: [(plot) => now.current.backdrop?.(plot, color)],
      setCursor: [
        (plot) => {
          const { left } = plot.cursor;
          if (!plot.cursor.event || left === undefined || left === null || left < 0) return;
          now.current.axis.cursor.set(plot.posToVal(left, 'x'));
        },
      ],
      setSelect: [
        (plot) => {
          const { left, width: drawn } = plot.select;
          if (drawn < 4) return;
          const from = plot.posToVal(left, 'x');
          const to = plot.posToVal(left + drawn, 'x');
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          now.current.axis.setWindow(zoomed({ from, to }, 1));
        },
      ],
      ready: [
        (plot) => {
          let pressed = 0;
          plot.over.addEventListener('mousedown', ({ clientX }) => {
            pressed = clientX;
          });
          plot.over.addEventListener('click', ({ clientX }) => {
            if (Math.abs(clientX - pressed) > 3) return;
            const left = clientX - plot.over.getBoundingClientRect().left;
            now.current.axis.cursor.seek(plot.posToVal(left, 'x'));
          });
        },
      ],
    },
  };
}

function timeTicks(plot: uPlot, span: Span): number[] {
  return ticks(span, tickStep(span, plot.width / 90));
}
