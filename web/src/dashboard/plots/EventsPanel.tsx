/** Events of a tab as a timeline, by the filter of the table below it. */

import type { VariablesOf } from '../api/graphql';
import type { Place } from '../url/place';
import { EventLanes } from './EventLanes';
import type { EVENTS } from './eventsQuery';
import { useShownFilter } from './shownFilter';
import { TimeAxis, useTimeAxis } from './TimeAxis';
import { ZoomButtons } from './Toolbar';

const GUTTER = { left: 100, right: 16 };

export default function EventsPanel({ place }: { place: Place }) {
  const filter = useShownFilter<NonNullable<VariablesOf<typeof EVENTS>['filter']>>();
  if (place.roomId === undefined) return null;
  return (
    <TimeAxis gutter={GUTTER}>
      <EventLanes place={place} filter={filter} tools={<Zoom />} />
    </TimeAxis>
  );
}

function Zoom() {
  const axis = useTimeAxis();
  const span = axis.window ?? axis.extent;
  return span && <ZoomButtons span={span} />;
}
