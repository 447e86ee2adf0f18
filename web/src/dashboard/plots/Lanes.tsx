/** What is drawn in the rows of the timeline: marks, slices, states. */

import { type Cluster, radiusOf, type Stretch } from './clusters';
import { SLICES, type TimelineEvent } from './eventsQuery';
import type { Room } from './people';
import { formatLength, formatOnset, type Span } from './timeScale';

/** How high a row is, in pixels. */
export const ROW = 24;

export function DenseRow({ counts, width }: { counts: readonly number[]; width: number }) {
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

export function States({
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

export function Marks({ clusters, room, chosen, onChoose }: MarksProps) {
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
