/** All of a room over one time axis: ratings, drift and events, recordings beside them. */

import { useMemo } from 'react';
import { Notice } from '../ui';
import type { Place } from '../url/place';
import { Drift } from './DriftPanel';
import { EventLanes } from './EventLanes';
import { useWidth } from './measured';
import { Recordings } from './Player';
import { Ratings } from './RatingsPanel';
import { TimeAxis, useTimeAxis } from './TimeAxis';
import { ZoomButtons } from './Toolbar';
import { formatOnset } from './timeScale';
import { useCursor } from './useCursor';

export default function RoomTimeline({ place }: { place: Place }) {
  const [host, width] = useWidth<HTMLDivElement>();
  const isWide = width >= 640;
  const gutter = useMemo(() => ({ left: isWide ? 116 : 100, right: isWide ? 16 : 10 }), [isWide]);
  if (place.roomId === undefined) {
    return <Notice tone="info">A timeline is of one room: open a room to see it.</Notice>;
  }
  return (
    <div ref={host} className="timeline">
      {width > 0 && (
        <TimeAxis gutter={gutter}>
          <Head />
          <Recordings place={place} plain />
          <Ratings place={place} height={180} plain />
          <Drift place={place} height={130} plain />
          <EventLanes place={place} />
        </TimeAxis>
      )}
    </div>
  );
}

function Head() {
  const axis = useTimeAxis();
  const onset = useCursor();
  const span = axis.window ?? axis.extent;
  return (
    <div className="timeline-head">
      <output className="timeline-now" aria-label="Time at the cursor">
        {onset === null
          ? 'Point at a plot, drag to zoom, click to go there'
          : formatOnset(onset, 100)}
      </output>
      {span && <ZoomButtons span={span} />}
    </div>
  );
}
