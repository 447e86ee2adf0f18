/** Continuous ratings as lines: a mean in each bucket, and the band from smallest to largest. */

import { useEffect, useMemo, useState } from 'react';
import { useQuery } from 'urql';
import type { VariablesOf } from '../api/graphql';
import { problemOf } from '../api/problems';
import { Empty } from '../ui';
import type { Place } from '../url/place';
import { type Drawn, drawnOf, extentOf, tableOf, told } from './drawnRatings';
import { Figure } from './Figure';
import { pointsFor } from './lines';
import { useWidth } from './measured';
import { useRoom } from './people';
import { RatingLines } from './RatingLines';
import { RATING_SERIES } from './ratingsQuery';
import { ofScope, scopeVariables, UNCACHED } from './scope';
import { useShownFilter } from './shownFilter';
import { TimeAxis, useTimeAxis } from './TimeAxis';
import { Legend, ZoomButtons } from './Toolbar';
import { formatLength } from './timeScale';
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
            <RatingLines
              drawn={drawn}
              span={span}
              hidden={hidden}
              height={height}
              timeLabels={!plain}
            />
          )
        )}
        {!series && !error && <div className="figure-blank" style={{ height }} />}
      </div>
    </Figure>
  );
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
