/** An experiment, a room or a participant: its tabs, and the view of one. */

import { lazy, Suspense } from 'react';
import { useLocation } from 'wouter';
import { Spinner } from '../ui';
import { whereaboutsOf } from '../url/whereabouts';

const QualityPanel = lazy(() => import('../quality/QualityPanel'));
const LiveRoom = lazy(() => import('../live/LiveRoom'));
const RoomTimeline = lazy(() => import('../plots/RoomTimeline'));
const ExportsPage = lazy(() => import('../exports/ExportsPage'));
const ExperimentSettings = lazy(() => import('../settings/ExperimentSettings'));
const DownloadButton = lazy(() => import('../exports/DownloadButton'));
const RatingsPanel = lazy(() => import('../plots/RatingsPanel'));
const DriftPanel = lazy(() => import('../plots/DriftPanel'));
const Conversation = lazy(() => import('../plots/Conversation'));
const Player = lazy(() => import('../plots/Player'));

export default function PlacePage() {
  const [path] = useLocation();
  const { place, view, section } = whereaboutsOf(path) ?? {};
  if (place === undefined || view === undefined) return null;
  const tab = place.participantId === undefined ? section : view;
  return (
    <Suspense fallback={<Spinner />}>
      <DownloadButton place={place} />
      {view === 'quality' && <QualityPanel place={place} />}
      {view === 'live' && <LiveRoom place={place} />}
      {view === 'timeline' && <RoomTimeline place={place} />}
      {view === 'exports' && <ExportsPage experimentId={place.experimentId} />}
      {view === 'settings' && (
        <ExperimentSettings experimentId={place.experimentId} section={section ?? 'sharing'} />
      )}
      {tab === 'continuous_ratings' && <RatingsPanel place={place} />}
      {tab === 'sync_metrics' && <DriftPanel place={place} />}
      {tab === 'chat_messages' && <Conversation place={place} />}
      {tab === 'recordings' && <Player place={place} />}
    </Suspense>
  );
}
