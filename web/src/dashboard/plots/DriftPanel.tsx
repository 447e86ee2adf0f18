/** How far each participant's video was from the host's, over bands of good, acceptable and poor. */

import { useEffect, useMemo } from 'react';
import type uPlot from 'uplot';
import { useQuery } from 'urql';
import { problemOf } from '../api/problems';
import { Empty } from '../ui';
import type { Place } from '../url/place';
import { bandShares, DRIFT_SPLITS, driftRange, formatDrift } from './drift';
import { type DriftWindows, SYNC_WINDOWS } from './driftQuery';
import { Figure, type TableOf } from './Figure';
import { LinePlot, type LineStyle } from './LinePlot';
import { type Columns, columnsOf, valueAt } from './lines';
import { type Room, useRoom } from './people';
import { ofScope, scopeVariables, UNCACHED } from './scope';
import { TimeAxis, useTimeAxis } from './TimeAxis';
import { Legend, ZoomButtons } from './Toolbar';
import { formatLength, formatOnset, type Span, windowLength } from './timeScale';
import { useCursor } from './useCursor';
import { useHidden } from './useHidden';

export default function DriftPanel({ place }: { place: Place }) {
  return (
    <TimeAxis>
      <Drift place={place} height={220} />
    </TimeAxis>
  );
}

interface DriftProps {
  place: Place;
  height: number;
  plain?: boolean;
}

/** Before one knows how long a session was, one looks at it as if it had been an hour. */
const UNKNOWN: Span = { from: 0, to: 3_600_000 };
const WINDOWS = 300;
/** More lines than this tell nothing: an experiment's are shown room by room. */
const MOST_LINES = 24;

export function Drift({ place, height, plain = false }: DriftProps) {
  const axis = useTimeAxis();
  const room = useRoom(place);
  const [hidden, toggle] = useHidden();
  const span = axis.window ?? axis.extent;
  const windowMs = windowLength(span ?? UNKNOWN, WINDOWS);
  const variables = useMemo(
    () => ({
      ...scopeVariables(place),
      windowMs,
      from: axis.window?.from ?? null,
      to: axis.window?.to ?? null,
    }),
    [place, windowMs, axis.window],
  );
  const [{ data, fetching, error }, ask] = useQuery({
    query: SYNC_WINDOWS,
    variables,
    context: UNCACHED,
  });
  const lines = ofScope(data)?.syncWindows ?? null;
  const { report } = axis;
  useEffect(() => {
    if (lines && !axis.window) report('drift', extentOf(lines, windowMs));
  }, [lines, axis.window, windowMs, report]);
  const drawn = useMemo(
    () => (lines ? drawnOf(lines.slice(0, MOST_LINES), windowMs, room) : null),
    [lines, windowMs, room],
  );
  const isEmpty = lines !== null && lines.length === 0;
  if (plain && isEmpty && !axis.window) return null;
  return (
    <Figure
      title="Sync drift"
      note={drawn && !isEmpty ? noteOf(lines ?? [], windowMs) : undefined}
      fetching={fetching}
      problem={problemOf(error)}
      onRetry={() => ask({ requestPolicy: 'network-only' })}
      tools={!plain && span && <ZoomButtons span={span} />}
      legend={drawn && !isEmpty && <DriftLegend drawn={drawn} hidden={hidden} onToggle={toggle} />}
      {...(drawn && !isEmpty && { table: () => tableOf(drawn) })}
    >
      <div className="figure-body">
        {isEmpty ? (
          <Empty title={axis.window ? 'No sync metric in this window' : 'No sync metrics'}>
            {axis.window
              ? 'Zoom out to see others.'
              : 'Nobody’s video had to keep time with another’s; in a room of one participant that is normal.'}
          </Empty>
        ) : (
          drawn &&
          span && (
            <DriftLines
              drawn={drawn}
              span={span}
              hidden={hidden}
              height={height}
              timeLabels={!plain}
            />
          )
        )}
        {!lines && !error && <div className="figure-blank" style={{ height }} />}
      </div>
    </Figure>
  );
}

interface Drawn extends Columns {
  windowMs: number;
  people: { key: string; label: string; color: string }[];
  shares: string[];
  largest: number;
}

function drawnOf(lines: DriftWindows, windowMs: number, room: Room): Drawn {
  const columns = columnsOf(
    lines.map(({ onset, meanDrift }) => ({
      onset,
      mean: meanDrift,
      min: meanDrift,
      max: meanDrift,
    })),
    windowMs,
  );
  const largest = Math.max(
    0,
    ...lines.flatMap(({ meanDrift }) => meanDrift.map((drift) => Math.abs(drift ?? 0))),
  );
  return {
    ...columns,
    windowMs,
    largest,
    people: lines.map(({ participantId, roomId }, at) => {
      const person = room.personOf(participantId);
      return {
        key: `${roomId} ${participantId}`,
        label: person.role ? person.label : `${roomId} · ${participantId.slice(0, 4)}`,
        color: person.role ? person.color : `var(--series-${(at % 8) + 1})`,
      };
    }),
    shares: lines.map(({ band, count }) => {
      const shares = bandShares(band, count);
      return `${shares.GOOD} % good`;
    }),
  };
}

function extentOf(lines: DriftWindows, windowMs: number): Span | null {
  const first = lines.flatMap(({ onset }) => onset[0] ?? []);
  const last = lines.flatMap(({ onset }) => onset.at(-1) ?? []);
  return first.length === 0 ? null : { from: Math.min(...first), to: Math.max(...last) + windowMs };
}

function noteOf(lines: DriftWindows, windowMs: number): string {
  const shares = bandShares(
    lines.flatMap(({ band }) => band),
    lines.flatMap(({ count }) => count),
  );
  const more =
    lines.length > MOST_LINES
      ? ` The first ${MOST_LINES} of ${lines.length} participants are drawn.`
      : '';
  return `Mean of each ${formatLength(windowMs)}: ${shares.GOOD} % of the time good, ${shares.ACCEPTABLE} % acceptable, ${shares.POOR} % poor.${more}`;
}

interface DriftLinesProps {
  drawn: Drawn;
  span: Span;
  hidden: ReadonlySet<string>;
  height: number;
  timeLabels: boolean;
}

function DriftLines({ drawn, span, hidden, height, timeLabels }: DriftLinesProps) {
  const data = useMemo(
    () => [drawn.x, ...drawn.lines.map(({ mean }) => mean)] as uPlot.AlignedData,
    [drawn],
  );
  const lines = drawn.people.map(
    ({ key, label, color }): LineStyle => ({ label, color, shown: !hidden.has(key) }),
  );
  const range = driftRange(drawn.largest);
  return (
    <LinePlot
      data={data}
      lines={lines}
      span={span}
      y={{
        range,
        asinh: 100,
        splits: DRIFT_SPLITS.filter((drift) => drift >= range[0] && drift <= range[1]),
        format: formatDrift,
      }}
      height={height}
      timeLabels={timeLabels}
      backdrop={paintBands}
      describe={(onset) =>
        drawn.people.map(({ label }, at) => `${label} ${told(drawn, at, onset)}`).join(', ')
      }
      label={`Drift in milliseconds ahead of the host or behind, from ${formatOnset(span.from)} to ${formatOnset(span.to)}.`}
    />
  );
}

/** Tints the bands: less than 100 ms, to 500 ms, and beyond. */
function paintBands(plot: uPlot, color: (css: string, opacity?: number) => string): void {
  const { ctx, bbox } = plot;
  const top = (drift: number) =>
    Math.min(bbox.top + bbox.height, Math.max(bbox.top, plot.valToPos(drift, 'y', true)));
  const paint = (upper: number, lower: number, css: string) => {
    ctx.fillStyle = color(css, 0.09);
    ctx.fillRect(bbox.left, top(upper), bbox.width, top(lower) - top(upper));
  };
  ctx.save();
  paint(1e9, 500, 'var(--bad)');
  paint(500, 100, 'var(--warn)');
  paint(100, -100, 'var(--good)');
  paint(-100, -500, 'var(--warn)');
  paint(-500, -1e9, 'var(--bad)');
  ctx.restore();
}

function told(drawn: Drawn, at: number, onset: number): string {
  const value = valueAt(drawn.x, drawn.lines[at]?.mean ?? [], onset, 2 * drawn.windowMs);
  return value === null ? '–' : `${formatDrift(Math.round(value))} ms`;
}

interface DriftLegendProps {
  drawn: Drawn;
  hidden: ReadonlySet<string>;
  onToggle(key: string): void;
}

function DriftLegend({ drawn, hidden, onToggle }: DriftLegendProps) {
  const onset = useCursor();
  const items = drawn.people.map((person, at) => ({
    ...person,
    value: onset === null ? (drawn.shares[at] ?? '') : told(drawn, at, onset),
  }));
  return <Legend label="Lines" items={items} hidden={hidden} onToggle={onToggle} />;
}

function tableOf(drawn: Drawn): TableOf {
  return {
    caption: `Mean drift in ms of each ${formatLength(drawn.windowMs)}.`,
    head: ['Time', ...drawn.people.map(({ label }) => label)],
    rows: drawn.x.map((time, at) => [
      formatOnset(time - drawn.windowMs / 2),
      ...drawn.lines.map(({ mean }) => mean[at]?.toFixed(1) ?? ''),
    ]),
  };
}
