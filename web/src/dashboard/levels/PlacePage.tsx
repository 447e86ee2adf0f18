/** An experiment, a room or a participant: what it is, its tabs, and the view of one. */

import { type ComponentType, lazy, type ReactNode, Suspense } from 'react';
import { useLocation } from 'wouter';
import { problemOf } from '../api/problems';
import { count, durationText, Status } from '../table/format';
import { Empty, Notice, ProblemNotice, Spinner, type TabItem, Tabs } from '../ui';
import { type Place, placePath } from '../url/place';
import { type Whereabouts, whereaboutsOf } from '../url/whereabouts';
import { type Facts, useFacts } from './facts';
import { ParticipantsList } from './ParticipantsList';
import './PlacePage.css';
import { RoomsList } from './RoomsList';

const loadRecords = () => import('../data/RecordsView');
const RecordsView = lazy(loadRecords);
const QualityPanel = lazy(() => import('../quality/QualityPanel'));
const LiveRoom = lazy(() => import('../live/LiveRoom'));
const RoomTimeline = lazy(() => import('../plots/RoomTimeline'));
const ExportsPage = lazy(() => import('../exports/ExportsPage'));
const ExperimentSettings = lazy(() => import('../settings/ExperimentSettings'));
const DownloadButton = lazy(() => import('../exports/DownloadButton'));

export default function PlacePage() {
  const [path] = useLocation();
  const found = whereaboutsOf(path);
  if (found === null) return <Empty title="There is no such page" />;
  preload(found);
  return <PlaceView key={placePath(found.place)} {...found} />;
}

/** The data tab that an address is of, if it is one of data: a participant's views are such. */
function dataTabOf({ place, view, section }: Whereabouts): string | null {
  if (place.participantId !== undefined) return view === 'quality' ? null : view || 'events';
  return view === 'data' ? (section ?? 'events') : null;
}

/** Begins to load what will be shown, while it is still asked what the place is. */
function preload(found: Whereabouts): void {
  const tab = dataTabOf(found);
  if (tab !== null) loadRecords().then(({ preloadPlot }) => preloadPlot(tab), ignored);
}

/** What does not load is told of by the view itself. */
const ignored = () => undefined;

interface PlaceViewProps {
  place: Place;
  view: string;
  section?: string;
}

function PlaceView({ place, view, section }: PlaceViewProps) {
  const { facts, error, fetching, again } = useFacts(place);
  const problem = problemOf(error);
  if (facts === null && problem !== null)
    return <ProblemNotice problem={problem} onRetry={again} />;
  if (facts === null && !fetching) {
    return (
      <Empty title="This is not here">
        It does not exist, or you may not see it. Ask its owner to share it with you.
      </Empty>
    );
  }
  return (
    <>
      {facts ? <PlaceHeader place={place} facts={facts} /> : <PendingHeader />}
      {facts && <Tabs label="Views" items={tabsOf(place, facts)} current={tabOf(place, view)} />}
      {problem !== null && <ProblemNotice problem={problem} onRetry={again} />}
      {facts && !facts.access.canView && <Notice tone="info">{facts.access.why}</Notice>}
      <Suspense fallback={<Spinner />}>{viewOf(place, facts, view, section)}</Suspense>
    </>
  );
}

/** Keeps the room that the header and its tabs will take, so that nothing jumps when they come. */
function PendingHeader() {
  return <div className="place-pending" aria-busy="true" />;
}

function PlaceHeader({ place, facts }: { place: Place; facts: Facts }) {
  const said: ReactNode[] = [<Status key="status" value={facts.status} />];
  let title = place.participantId ?? place.roomId ?? '';
  let description: string | null = null;
  if (facts.__typename === 'Experiment') {
    title = facts.name;
    description = facts.description;
    said.push(`${count(facts.roomCount)} rooms`, `${count(facts.participantCount)} participants`);
  } else if (facts.__typename === 'Room') {
    said.push(`${count(facts.participantCount)} participants`);
    if (facts.startTime) said.push(`started ${facts.startTime.slice(0, 16).replace('T', ' ')} UTC`);
    if (facts.duration !== null) said.push(durationText(facts.duration));
  } else {
    if (facts.role) said.push(facts.role);
    if (facts.completionCode) said.push(facts.completionCode);
    if (facts.joinedAt) said.push(`joined ${facts.joinedAt.slice(0, 16).replace('T', ' ')} UTC`);
  }
  return (
    <div className="place-header">
      <div>
        <h1 className={facts.__typename === 'Experiment' ? undefined : 'mono'}>{title}</h1>
        <p className="place-facts">
          {said.map((one, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the list never changes its order
            <span key={index}>{one}</span>
          ))}
          <span>{facts.access.why}</span>
        </p>
        {description && <p className="muted place-description">{description}</p>}
      </div>
      <Suspense fallback={null}>
        <DownloadButton place={place} />
      </Suspense>
    </div>
  );
}

/** The data tabs of a participant are its views. */
function tabOf(place: Place, view: string): string {
  if (place.participantId === undefined) return view;
  return view === 'quality' ? view : 'data';
}

function tabsOf(place: Place, facts: Facts): TabItem[] {
  const tab = (id: string, label: string, note?: ReactNode, rest = id): TabItem => ({
    id,
    label,
    href: placePath(place, rest),
    ...(note !== undefined && { note }),
  });
  if (facts.__typename === 'Participant') {
    return [tab('data', 'Data', undefined, 'events'), tab('quality', 'Quality')];
  }
  const participants = count(facts.participantCount);
  if (facts.__typename === 'Room') {
    return [
      tab('', 'Participants', participants),
      tab('data', 'Data', undefined, 'data/events'),
      tab('timeline', 'Timeline'),
      ...(facts.status === 'ACTIVE' ? [tab('live', 'Live')] : []),
      tab('quality', 'Quality'),
    ];
  }
  return [
    tab('', 'Rooms', count(facts.roomCount)),
    tab('participants', 'Participants', participants),
    tab('data', 'Data', undefined, 'data/events'),
    tab('quality', 'Quality'),
    tab('exports', 'Exports'),
    ...(facts.access.canManage ? [tab('settings', 'Settings', undefined, 'settings/sharing')] : []),
  ];
}

function viewOf(
  place: Place,
  facts: Facts | null,
  view: string,
  section: string | undefined,
): ReactNode {
  const tab = dataTabOf({ place, view, ...(section !== undefined && { section }) });
  if (tab !== null) return <RecordsView place={place} facts={facts} tab={tab} />;
  if (facts === null) return <Spinner />;
  const { experimentId, roomId } = place;
  const maySeeWho = facts.access.canSeeIdentified;
  const views: Record<string, ComponentType<{ place: Place }>> = {
    quality: QualityPanel,
    ...(roomId !== undefined && { live: LiveRoom, timeline: RoomTimeline }),
  };
  const View = views[view];
  if (View !== undefined) return <View place={place} />;
  if (roomId !== undefined && view === '') {
    return <ParticipantsList place={place} maySeeWho={maySeeWho} />;
  }
  if (roomId === undefined) {
    if (view === '') return <RoomsList experimentId={experimentId} />;
    if (view === 'participants') return <ParticipantsList place={place} maySeeWho={maySeeWho} />;
    if (view === 'exports') return <ExportsPage experimentId={experimentId} />;
    if (view === 'settings') {
      return <ExperimentSettings experimentId={experimentId} section={section ?? 'sharing'} />;
    }
  }
  return <Empty title="There is no such view">Choose one of the tabs above.</Empty>;
}
