/** Events over time, a row for each category; those that lie close are one mark with a number. */

import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { useQuery } from 'urql';
import type { VariablesOf } from '../api/graphql';
import { problemOf } from '../api/problems';
import { Empty } from '../ui';
import type { Place } from '../url/place';
import { type Cluster, clustersOf, radiusOf, type Stretch, statesOf } from './clusters';
import { EventList } from './EventList';
import {
  type Density,
  densityDocument,
  EVENTS,
  MOST_EVENTS,
  SLICES,
  type TimelineEvent,
  type TimelineEvents,
} from './eventsQuery';
import { Figure, type TableOf } from './Figure';
import { type Room, useRoom } from './people';
import { ofScope, scopeVariables, UNCACHED } from './scope';
import { useTimeAxis } from './TimeAxis';
import { TimeSurface } from './TimeSurface';
import { Legend } from './Toolbar';
import { formatLength, formatOnset, type Span } from './timeScale';
import { useHidden } from './useHidden';

const ROW = 24;
/** Marks do not touch: twice the largest radius. */
const REACH = 18;

type EventFilter = NonNullable<VariablesOf<typeof EVENTS>['filter']>;

interface EventLanesProps {
  place: Place;
  filter?: EventFilter | null;
  tools?: ReactNode;
}

export function EventLanes({ place, filter: asked = null, tools }: EventLanesProps) {
  const axis = useTimeAxis();
  const room = useRoom(place);
  const [hidden, toggle] = useHidden();
  const [chosen, choose] = useState<Cluster<TimelineEvent> | null>(null);
  const { atRoom, atParticipant, roomId, participantId } = scopeVariables(place);
  const filter = useMemo(() => inWindow(asked, axis.window), [asked, axis.window]);
  const variables = useMemo(
    () => ({ atRoom, atParticipant, roomId, participantId, filter }),
    [atRoom, atParticipant, roomId, participantId, filter],
  );
  const [{ data, fetching, error }, ask] = useQuery({
    query: EVENTS,
    variables,
    context: UNCACHED,
  });
  const found = ofScope(data);
  const { report } = axis;
  useEffect(() => {
    if (found && !axis.window) report('events', extentOf(found));
  }, [found, axis.window, report]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a mark of another window is gone.
  useEffect(() => choose(null), [axis.window]);

  const span = axis.window ?? axis.extent;
  const events = useMemo(
    () => (found?.events.nodes ?? []).filter((event) => !hidden.has(event.participantId)),
    [found, hidden],
  );
  const isDense = (found?.events.totalCount ?? 0) > MOST_EVENTS;
  const density = useDensity(place, asked, isDense ? span : null);
  const states = useMemo(
    () => statesOf(found?.states.nodes ?? [], axis.extent?.to ?? 0),
    [found, axis.extent],
  );
  const rows = useMemo(() => rowsOf(found?.events.nodes ?? [], density), [found, density]);
  if (found && found.events.totalCount === 0 && !axis.window) {
    return <Empty title="No events">Nothing that happened was recorded here.</Empty>;
  }
  const total = found?.events.totalCount ?? 0;
  return (
    <Figure
      title="Events"
      note={found ? noteOf(total, isDense) : undefined}
      fetching={fetching}
      problem={problemOf(error)}
      onRetry={() => ask({ requestPolicy: 'network-only' })}
      legend={
        room.people.length > 1 &&
        atRoom && (
          <Legend
            label="People"
            items={room.people.map(({ participantId: key, label, color }) => ({
              key,
              label,
              color,
            }))}
            hidden={hidden}
            onToggle={toggle}
          />
        )
      }
      tools={tools}
      table={() => tableOf(events, room)}
    >
      {span && found && (
        <TimeSurface
          span={span}
          height={ROW * (rows.length + 1) + 6}
          label={`Events from ${formatOnset(span.from)} to ${formatOnset(span.to)}.`}
          describe={(onset) => describe(events, states, onset)}
          names={[
            { key: 'states', y: ROW / 2 + 2, text: 'state' },
            ...rows.map((row, at) => ({
              key: row,
              y: ROW * (at + 1.5) + 6,
              text: nameOf(row),
            })),
          ]}
        >
          {(width) => (
            <>
              <States states={states} span={span} width={width} />
              {rows.map((row, at) => (
                <g key={row} transform={`translate(0 ${ROW * (at + 1) + 6})`}>
                  <line className="lane-line" x2={width} y1={ROW / 2} y2={ROW / 2} />
                  {isDense ? (
                    <DenseRow counts={density?.get(row) ?? []} width={width} />
                  ) : (
                    <Marks
                      clusters={clustersOf(
                        events.filter((event) => (event.category ?? '') === row),
                        span,
                        width,
                        REACH,
                      )}
                      room={room}
                      chosen={chosen}
                      onChoose={choose}
                    />
                  )}
                </g>
              ))}
            </>
          )}
        </TimeSurface>
      )}
      {chosen && (
        <EventList place={place} events={chosen.items} room={room} onClose={() => choose(null)} />
      )}
    </Figure>
  );
}

const nameOf = (category: string) => (category === '' ? 'none' : category.replace('_', ' '));

function noteOf(total: number, isDense: boolean): string {
  const count = `${total.toLocaleString('en')} ${total === 1 ? 'event' : 'events'}`;
  return isDense
    ? `${count}: the darker, the more. Zoom in to see each.`
    : `${count}; click a mark to read it.`;
}

function extentOf({ events, ends }: TimelineEvents): Span | null {
  const first = events.nodes[0]?.onset;
  const last = ends.nodes[0]?.onset;
  return first === undefined || last === undefined ? null : { from: first, to: last + 1000 };
}

/** Categories in the order of their first event. */
function rowsOf(
  events: readonly TimelineEvent[],
  density: ReadonlyMap<string, number[]> | null,
): string[] {
  return [
    ...new Set([...events.map(({ category }) => category ?? ''), ...(density?.keys() ?? [])]),
  ];
}

/** What is asked for, within a window of time. */
function inWindow(asked: EventFilter | null, span: Span | null): EventFilter | null {
  if (!span) return asked;
  const time = { onset: { gte: Math.round(span.from), lt: Math.round(span.to) } };
  return asked ? { and: [asked, time] } : time;
}

function useDensity(
  place: Place,
  asked: EventFilter | null,
  span: Span | null,
): ReadonlyMap<string, number[]> | null {
  const { atRoom, roomId, participantId } = scopeVariables(place);
  const variables = useMemo(() => {
    if (!span) return {};
    const edge = (at: number) => Math.round(span.from + ((span.to - span.from) * at) / SLICES);
    const slices = Array.from({ length: SLICES }, (_, at) => [
      `s${at}`,
      inWindow(asked, { from: edge(at), to: edge(at + 1) }),
    ]);
    return { roomId, ...(atRoom ? {} : { participantId }), ...Object.fromEntries(slices) };
  }, [span, asked, roomId, participantId, atRoom]);
  const query = useMemo(() => densityDocument(atRoom), [atRoom]);
  const [{ data }] = useQuery<Density>({
    query,
    variables,
    pause: span === null,
    context: UNCACHED,
  });
  return useMemo(() => {
    if (!span || !data?.place) return null;
    const rows = new Map<string, number[]>();
    for (let at = 0; at < SLICES; at++) {
      for (const { kind, count } of data.place[`s${at}`] ?? []) {
        const row = rows.get(kind ?? '') ?? new Array<number>(SLICES).fill(0);
        row[at] = count;
        rows.set(kind ?? '', row);
      }
    }
    return rows;
  }, [data, span]);
}

function DenseRow({ counts, width }: { counts: readonly number[]; width: number }) {
  const most = Math.max(1, ...counts);
  return counts.map((count, at) =>
    count === 0 ? null : (
      <rect
        // biome-ignore lint/suspicious/noArrayIndexKey: a slice is its place.
        key={at}
        className="lane-dense"
        x={(at * width) / SLICES}
        width={width / SLICES}
        y={3}
        height={ROW - 6}
        opacity={0.15 + (0.85 * Math.log(1 + count)) / Math.log(1 + most)}
      >
        <title>{count.toLocaleString('en')} events</title>
      </rect>
    ),
  );
}

function States({
  states,
  span,
  width,
}: {
  states: readonly Stretch[];
  span: Span;
  width: number;
}) {
  const xOf = (onset: number) =>
    Math.min(width, Math.max(0, ((onset - span.from) / (span.to - span.from)) * width));
  return states.map(({ name, from, to }, at) => {
    const x = xOf(from);
    const length = xOf(to) - x;
    return length < 1 ? null : (
      <g key={`${name} ${from}`} className={at % 2 ? 'lane-state odd' : 'lane-state'}>
        <rect x={x} y={2} width={Math.max(0, length - 1)} height={ROW - 4} rx={3} />
        {length > 7 * name.length + 8 && (
          <text x={x + 6} y={ROW / 2} dominantBaseline="central">
            {name}
          </text>
        )}
        <title>
          {name}, {formatOnset(from)} to {formatOnset(to)} ({formatLength(to - from)})
        </title>
      </g>
    );
  });
}

interface MarksProps {
  clusters: Cluster<TimelineEvent>[];
  room: Room;
  chosen: Cluster<TimelineEvent> | null;
  onChoose(cluster: Cluster<TimelineEvent>): void;
}

function Marks({ clusters, room, chosen, onChoose }: MarksProps) {
  return clusters.map((cluster) => {
    const { x, items } = cluster;
    const people = new Set(items.map(({ participantId }) => participantId));
    const color =
      people.size === 1 ? room.personOf(items[0]?.participantId ?? null).color : 'var(--muted)';
    const isChosen = chosen?.items[0]?.id === items[0]?.id && chosen?.items.length === items.length;
    return (
      <g
        key={items[0]?.id}
        className={isChosen ? 'lane-mark chosen' : 'lane-mark'}
        transform={`translate(${x} ${ROW / 2})`}
        onPointerUp={(event) => {
          event.stopPropagation();
          onChoose(cluster);
        }}
        onPointerDown={(event) => event.stopPropagation()}
      >
        <circle r={radiusOf(items.length)} style={{ fill: color }} />
        {items.length > 1 && (
          <text textAnchor="middle" dominantBaseline="central">
            {items.length > 99 ? '99+' : items.length}
          </text>
        )}
        <title>{titleOf(items)}</title>
      </g>
    );
  });
}

function titleOf(items: readonly TimelineEvent[]): string {
  const [first] = items;
  if (items.length === 1 && first) {
    return `${formatOnset(first.onset, 100)} ${first.eventType}${first.content ? `: ${first.content}` : ''}`;
  }
  const kinds = [...new Set(items.map(({ eventType }) => eventType))];
  return `${items.length} events: ${kinds.slice(0, 4).join(', ')}${kinds.length > 4 ? ' …' : ''}`;
}

function describe(
  events: readonly TimelineEvent[],
  states: readonly Stretch[],
  onset: number,
): string {
  const state = states.find(({ from, to }) => onset >= from && onset < to);
  const next = events.find((event) => event.onset >= onset);
  const parts = [
    state && `state ${state.name}`,
    next && `next ${next.eventType} at ${formatOnset(next.onset, 100)}`,
  ];
  return parts.filter(Boolean).join(', ') || 'nothing more';
}

function tableOf(events: readonly TimelineEvent[], room: Room): TableOf {
  return {
    caption: 'Events in this window.',
    head: ['Time', 'Who', 'What', 'State', 'Content'],
    rows: events.map(({ onset, participantId, eventType, stateName, content }) => [
      formatOnset(onset, 1),
      room.personOf(participantId).label,
      eventType,
      stateName ?? '',
      content ?? '',
    ]),
  };
}
