/** Events over time, a row for each category; those that lie close are one mark with a number. */

import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { useQuery } from 'urql';
import { problemOf } from '../api/problems';
import { Empty } from '../ui';
import type { Place } from '../url/place';
import { type Cluster, clustersOf, type Stretch, statesOf } from './clusters';
import { type EventFilter, inWindow, useDensity } from './density';
import { EventList } from './EventList';
import { EVENTS, MOST_EVENTS, type TimelineEvent, type TimelineEvents } from './eventsQuery';
import { Figure, type TableOf } from './Figure';
import { DenseRow, Marks, ROW, States } from './Lanes';
import { type Room, useRoom } from './people';
import { ofScope, scopeVariables, UNCACHED } from './scope';
import { useTimeAxis } from './TimeAxis';
import { TimeSurface } from './TimeSurface';
import { Legend } from './Toolbar';
import { formatOnset, type Span } from './timeScale';
import { useHidden } from './useHidden';

/** Marks do not touch: twice the largest radius. */
const REACH = 18;

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
