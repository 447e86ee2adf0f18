/** Continuous ratings as lines: a mean in each bucket, and the band from smallest to largest. */

import { useEffect, useMemo, useState } from 'react';
import type uPlot from 'uplot';
import { useQuery } from 'urql';
import type { VariablesOf } from '../api/graphql';
import { problemOf } from '../api/problems';
import { Empty } from '../ui';
import type { Place } from '../url/place';
import { Figure, type TableOf } from './Figure';
import { LinePlot, type LineStyle } from './LinePlot';
import { type Columns, columnsOf, pointsFor, valueAt } from './lines';
import { useWidth } from './measured';
import { type Room, useRoom } from './people';
import { RATING_SERIES, type RatingSeries } from './ratingsQuery';
import { ofScope, scopeVariables, UNCACHED } from './scope';
import { useShownFilter } from './shownFilter';
import { TimeAxis, useTimeAxis } from './TimeAxis';
import { Legend, ZoomButtons } from './Toolbar';
import { formatLength, formatOnset, type Span } from './timeScale';
import { useCursor } from './useCursor';
import { useHidden } from './useHidden';

export default function RatingsPanel({ place }: { place: Place }) {
  const filter = useShownFilter<RatingFilter>();
  return (
    <TimeAxis>
      <Ratings place={place} height={240} filter={filter} />
    </TimeAxis>
  );
}

type RatingFilter = NonNullable<VariablesOf<typeof RATING_SERIES>['filter']>;

const Y = {
  range: [-0.03, 1.03] as [number, number],
  splits: [0, 0.25, 0.5, 0.75, 1],
  format: (value: number) => value.toFixed(2),
};

interface RatingsProps {
  place: Place;
  height: number;
  filter?: RatingFilter | null;
  /** Below other plots: no buttons of its own. */
  plain?: boolean;
}

export function Ratings({ place, height, filter = null, plain = false }: RatingsProps) {
  const [withOthers, setWithOthers] = useState(false);
  const axis = useTimeAxis();
  const room = useRoom(place);
  const [host, width] = useWidth<HTMLDivElement>();
  const [component, setComponent] = useState<string | null>(null);
  const [hidden, toggle] = useHidden();
  const [components, setComponents] = useState<string[]>([]);
  const points = pointsFor(width, Math.max(1, room.people.length) * Math.max(1, components.length));
  const variables = useMemo(
    () => ({
      ...scopeVariables(withOthers ? { ...place, participantId: undefined } : place),
      componentId: component,
      points,
      from: axis.window?.from ?? null,
      to: axis.window?.to ?? null,
      filter,
    }),
    [place, withOthers, component, points, axis.window, filter],
  );
  const [{ data, fetching, error }, ask] = useQuery({
    query: RATING_SERIES,
    variables,
    pause: width === 0,
    context: UNCACHED,
  });
  const series = ofScope(data)?.ratingSeries ?? null;
  useEffect(() => {
    if (!series) return;
    const names = series.lines.flatMap(({ componentId }) => componentId ?? []);
    setComponents((known) => {
      const all = [...new Set([...known, ...names])].sort();
      return all.length === known.length ? known : all;
    });
  }, [series]);
  const { report } = axis;
  useEffect(() => {
    if (series && !axis.window) report('ratings', extentOf(series));
  }, [series, axis.window, report]);

  const drawn = useMemo(
    () => (series ? drawnOf(series, room, components) : null),
    [series, room, components],
  );
  const span = axis.window ?? axis.extent;
  const isEmpty = series !== null && series.lines.length === 0;
  if (plain && isEmpty && !axis.window) return null;
  return (
    <Figure
      title="Continuous ratings"
      note={
        series?.bucketMs && !isEmpty
          ? `Mean of each ${formatLength(series.bucketMs)}, and from smallest to largest`
          : undefined
      }
      fetching={fetching}
      problem={problemOf(error)}
      onRetry={() => ask({ requestPolicy: 'network-only' })}
      tools={
        <>
          {place.participantId !== undefined && room.people.length > 1 && (
            <label className="inline-choice">
              <input
                type="checkbox"
                checked={withOthers}
                onChange={({ target }) => setWithOthers(target.checked)}
              />
              <span>With the others of the room</span>
            </label>
          )}
          {components.length > 1 && (
            <ComponentChoice components={components} chosen={component} onChoose={setComponent} />
          )}
          {!plain && span && <ZoomButtons span={span} />}
        </>
      }
      legend={
        drawn &&
        drawn.people.length > 0 && <RatingLegend drawn={drawn} hidden={hidden} onToggle={toggle} />
      }
      {...(drawn && !isEmpty && { table: () => tableOf(drawn) })}
    >
      <div ref={host} className="figure-body">
        {isEmpty ? (
          <Empty title={axis.window ? 'No rating in this window' : 'No continuous ratings'}>
            {axis.window ? 'Zoom out to see others.' : 'Nobody moved a slider here.'}
          </Empty>
        ) : (
          drawn &&
          span && (
            <Lines drawn={drawn} span={span} hidden={hidden} height={height} timeLabels={!plain} />
          )
        )}
        {!series && !error && <div className="figure-blank" style={{ height }} />}
      </div>
    </Figure>
  );
}

interface Drawn extends Columns {
  bucketMs: number;
  people: { key: string; label: string; color: string }[];
  counts: number[];
}

function drawnOf(series: RatingSeries, room: Room, components: string[]): Drawn {
  const bucketMs = series.bucketMs ?? 1;
  const people = series.lines.map(({ participantId, componentId }, at) => {
    const person = room.personOf(participantId);
    const isOne = components.length < 2;
    return {
      key: `${participantId} ${componentId}`,
      label: isOne ? person.label : `${person.label} · ${shortName(componentId)}`,
      color: participantId ? person.color : `var(--series-${(at % 8) + 1})`,
    };
  });
  const counts = series.lines.map(({ count }) => count.reduce((sum, one) => sum + one, 0));
  return { ...columnsOf(series.lines, bucketMs), bucketMs, people, counts };
}

/** `dial` of `cmp_dyadvideo01_dial`. */
const shortName = (componentId: string | null) => componentId?.split('_').at(-1) ?? 'no component';

function extentOf({ lines, bucketMs }: RatingSeries): Span | null {
  const first = lines.flatMap(({ onset }) => onset[0] ?? []);
  const last = lines.flatMap(({ onset }) => onset.at(-1) ?? []);
  return first.length === 0 || bucketMs === null
    ? null
    : { from: Math.min(...first), to: Math.max(...last) + bucketMs };
}

interface LinesProps {
  drawn: Drawn;
  span: Span;
  hidden: ReadonlySet<string>;
  height: number;
  timeLabels: boolean;
}

function Lines({ drawn, span, hidden, height, timeLabels }: LinesProps) {
  const data = useMemo(
    () =>
      [
        drawn.x,
        ...drawn.lines.flatMap(({ mean, min, max }) => [max, min, mean]),
      ] as uPlot.AlignedData,
    [drawn],
  );
  const lines = drawn.people.flatMap(({ key, label, color }): LineStyle[] => {
    const shown = !hidden.has(key);
    return [
      { label: `${label}, largest`, color, shown, edge: true },
      { label: `${label}, smallest`, color, shown, edge: true },
      { label, color, shown },
    ];
  });
  const bands = drawn.people.map((_, at): [number, number] => [3 * at, 3 * at + 1]);
  const describe = (onset: number) =>
    drawn.people.map(({ label }, at) => `${label} ${told(drawn, at, onset)}`).join(', ');
  return (
    <LinePlot
      data={data}
      lines={lines}
      bands={bands}
      span={span}
      y={Y}
      height={height}
      timeLabels={timeLabels}
      describe={describe}
      label={`Continuous ratings of ${drawn.people.map(({ label }) => label).join(', ')}, 0 to 1, from ${formatOnset(span.from)} to ${formatOnset(span.to)}.`}
    />
  );
}

function told(drawn: Drawn, at: number, onset: number): string {
  const column = drawn.lines[at]?.mean ?? [];
  const value = valueAt(drawn.x, column, onset, Math.max(1000, 2 * drawn.bucketMs));
  return value === null ? '–' : value.toFixed(3);
}

interface RatingLegendProps {
  drawn: Drawn;
  hidden: ReadonlySet<string>;
  onToggle(key: string): void;
}

function RatingLegend({ drawn, hidden, onToggle }: RatingLegendProps) {
  const onset = useCursor();
  const items = drawn.people.map((person, at) => ({
    ...person,
    value:
      onset === null ? `${drawn.counts[at]?.toLocaleString('en')} samples` : told(drawn, at, onset),
  }));
  return <Legend label="Lines" items={items} hidden={hidden} onToggle={onToggle} />;
}

function tableOf(drawn: Drawn): TableOf {
  const names = drawn.people.map(({ label }) => label);
  return {
    caption: `Mean rating of each ${formatLength(drawn.bucketMs)}.`,
    head: ['Time', ...names],
    rows: drawn.x.map((time, at) => [
      formatOnset(time, Math.min(1000, drawn.bucketMs)),
      ...drawn.lines.map(({ mean }) => mean[at]?.toFixed(3) ?? ''),
    ]),
  };
}

interface ComponentChoiceProps {
  components: string[];
  chosen: string | null;
  onChoose(component: string | null): void;
}

function ComponentChoice({ components, chosen, onChoose }: ComponentChoiceProps) {
  return (
    <label className="inline-choice">
      <span>Component</span>
      <select value={chosen ?? ''} onChange={({ target }) => onChoose(target.value || null)}>
        <option value="">All {components.length}</option>
        {components.map((component) => (
          <option key={component} value={component}>
            {component}
          </option>
        ))}
      </select>
    </label>
  );
}
