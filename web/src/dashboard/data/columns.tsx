/** The columns of the seven types of records. */

import type { ReactNode } from 'react';
import type { DataTypeName } from '../shown';
import type { Column } from '../table/columns';
import {
  Bytes,
  Duration,
  Figure,
  Json,
  List,
  Milliseconds,
  Status,
  Text,
  Time,
  YesNo,
} from '../table/format';
import type { Place } from '../url/place';
import type { AnyRecord, RecordOf } from './record';
import * as values from './values';

type Cells<Row> = { [Field in keyof Row]?: Row[Field] };
type Options<Row> = Partial<Omit<Column<Row>, 'id' | 'label' | 'width' | 'cell'>>;
type Wanted<Row, Value> = {
  [Field in keyof Row]: Row[Field] extends Value ? Field : never;
}[keyof Row] &
  string;

/** Makes columns of one type: what they hold says how they are shown, sorted and filtered. */
function columnsFor<Row extends Cells<Row>>() {
  const orderOf = (id: string) => id.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  const made = <Value,>(
    show: (value: Value) => ReactNode,
    usual: Options<Row>,
    usualWidth: number,
  ) => {
    return (
      id: Wanted<Row, Value>,
      label: string,
      { width = usualWidth, ...options }: Options<Row> & { width?: number } = {},
    ): Column<Row> => ({
      id,
      label,
      width,
      order: orderOf(id),
      ...usual,
      ...options,
      cell: (row) => show(row[id] as Value),
    });
  };
  return {
    text: made<string | null>((value) => <Text value={value} />, { filter: 'text' }, 150),
    id: made<string | null>(
      (value) => (
        <span className="mono">
          <Text value={value} />
        </span>
      ),
      { filter: 'ids' },
      180,
    ),
    ms: made<number | null>(
      (value) => <Milliseconds value={value} />,
      { filter: 'number', align: 'end' },
      124,
    ),
    duration: made<number | null>(
      (value) => <Duration value={value} />,
      { filter: 'number', align: 'end' },
      124,
    ),
    figure: made<number | null>(
      (value) => <Figure value={value} />,
      { filter: 'number', align: 'end' },
      140,
    ),
    bytes: made<number | string | null>(
      (value) => <Bytes value={value} />,
      { filter: 'number', align: 'end' },
      110,
    ),
    time: made<string | null>((value) => <Time value={value} exact />, { filter: 'time' }, 190),
    yesNo: made<boolean | null>((value) => <YesNo value={value} />, { filter: 'boolean' }, 120),
    status: made<string | null>((value) => <Status value={value} />, {}, 130),
    json: made<unknown>((value) => <Json value={value} />, { filter: 'json', order: '' }, 220),
    list: made<string[]>((value) => <List value={value} />, { filter: 'list', order: '' }, 200),
  };
}

const event = columnsFor<RecordOf<'Event'>>();
const recording = columnsFor<RecordOf<'Recording'>>();
const chat = columnsFor<RecordOf<'ChatMessage'>>();
const rating = columnsFor<RecordOf<'ContinuousRating'>>();
const sparse = columnsFor<RecordOf<'SparseRating'>>();
const sync = columnsFor<RecordOf<'SyncMetric'>>();
const component = columnsFor<RecordOf<'Component'>>();
const any = columnsFor<AnyRecord>();
const extra = true;

const OWN: Record<DataTypeName, Column<never>[]> = {
  EVENTS: [
    event.text('eventType', 'Type', { width: 200, suggestions: values.EVENT_TYPES }),
    event.text('category', 'Category', { suggestions: values.CATEGORIES }),
    event.text('content', 'Content', { width: 260 }),
    event.text('componentType', 'Component type', {
      width: 170,
      suggestions: values.COMPONENT_TYPES,
    }),
    event.id('componentId', 'Component', { extra }),
    event.text('stateName', 'State'),
    event.id('stateId', 'State id', { extra }),
    event.text('participantRole', 'Role', { extra }),
    event.ms('duration', 'Duration (ms)', { width: 150 }),
    event.json('response', 'Response'),
    event.time('clientTimestamp', 'Client time (UTC)', { extra }),
    event.id('eventId', 'Event id', { extra }),
  ],
  RECORDINGS: [
    recording.status('kind', 'Kind', { filter: { oneOf: ['VIDEO', 'AUDIO'] }, width: 100 }),
    recording.text('fileName', 'File', { width: 230 }),
    recording.duration('duration', 'Duration'),
    recording.bytes('fileSize', 'Size'),
    recording.status('status', 'Status', { filter: 'text' }),
    recording.ms('videoOffset', 'Offset (ms)'),
    recording.text('format', 'Format', { width: 110 }),
    recording.text('resolution', 'Resolution', { width: 120 }),
    recording.time('startTime', 'Started (UTC)', { extra }),
    recording.time('endTime', 'Ended (UTC)', { extra }),
    recording.id('recordingId', 'Recording id', { extra }),
  ],
  CHAT_MESSAGES: [
    chat.text('senderName', 'From', { width: 140 }),
    chat.text('content', 'Message', { width: 420 }),
    chat.list('recipientIds', 'To'),
    chat.text('messageType', 'Kind', { width: 110 }),
    chat.id('senderId', 'Sender id', { extra }),
    chat.id('messageId', 'Message id', { extra }),
  ],
  CONTINUOUS_RATINGS: [
    rating.figure('value', 'Value (0–1)'),
    rating.figure('rawValue', 'Raw value'),
    rating.id('componentId', 'Component'),
    rating.figure('scaleMin', 'Scale from', { extra }),
    rating.figure('scaleMax', 'Scale to', { extra }),
    rating.id('ratingId', 'Rating id', { extra }),
  ],
  SPARSE_RATINGS: [
    sparse.text('question', 'Question', { width: 260 }),
    sparse.json('value', 'Value', { width: 140 }),
    sparse.text('dimension', 'Dimension', { width: 130 }),
    sparse.text('componentType', 'Component type', {
      width: 170,
      suggestions: values.COMPONENT_TYPES,
    }),
    sparse.ms('responseTime', 'Response (ms)', { width: 156 }),
    sparse.yesNo('submitted', 'Submitted'),
    sparse.yesNo('timedOut', 'Timed out'),
    sparse.json('rawValue', 'Raw value', { extra, width: 140 }),
    sparse.figure('scaleMin', 'Scale from', { extra }),
    sparse.figure('scaleMax', 'Scale to', { extra }),
    sparse.json('labels', 'Labels', { extra }),
    sparse.figure('confidence', 'Confidence', { extra }),
    sparse.yesNo('interacted', 'Interacted', { extra }),
    sparse.id('stimulusId', 'Stimulus', { extra }),
    sparse.ms('stimulusTime', 'Stimulus (ms)', { extra, width: 136 }),
    sparse.id('stateId', 'State id', { extra }),
    sparse.id('componentId', 'Component', { extra }),
    sparse.json('details', 'Details', { extra }),
    sparse.id('ratingId', 'Rating id', { extra }),
  ],
  SYNC_METRICS: [
    sync.figure('timeDrift', 'Drift (ms)'),
    sync.status('band', 'Band', {
      filter: { oneOf: ['GOOD', 'ACCEPTABLE', 'POOR'] },
      order: '',
    }),
    sync.figure('latency', 'Latency (ms)', { width: 144 }),
    sync.figure('playbackRate', 'Playback rate', { width: 150 }),
    sync.figure('syncQuality', 'Quality (0–1)', { width: 144 }),
    sync.figure('bufferHealth', 'Buffer (0–1)', { width: 144 }),
    sync.id('metricId', 'Metric id', { extra }),
  ],
  COMPONENTS: [
    component.text('componentType', 'Type', { suggestions: values.COMPONENT_TYPES }),
    component.id('componentId', 'Component'),
    component.text('stateName', 'State'),
    component.yesNo('completed', 'Completed'),
    component.json('variables', 'Variables', { width: 260 }),
    component.json('config', 'Configuration', { width: 320 }),
    component.id('stateId', 'State id', { extra }),
  ],
};

/** The columns of a type at a place: what is the same in all rows is not shown. */
export function dataColumns(dataType: DataTypeName, place: Place): Column<AnyRecord>[] {
  const columns = [
    any.ms('onset', 'Onset (ms)', { width: 136 }),
    any.time('timestamp', 'Time (UTC)', { extra }),
    any.id('participantId', 'Participant', {
      width: 150,
      extra: place.participantId !== undefined,
    }),
    any.id('roomId', 'Room', { extra: place.roomId !== undefined }),
    ...(OWN[dataType] as unknown as Column<AnyRecord>[]), // a table asks for rows of one type
  ];
  return columns.map(({ order, ...column }) => (order ? { ...column, order } : column));
}

interface Search {
  hint: string;
  fields: readonly string[];
  ids: readonly string[];
}

/** Where the search of each type looks. */
export const SEARCHES: Record<DataTypeName, Search> = {
  EVENTS: {
    hint: 'Search type, content, state or id',
    fields: ['eventType', 'content', 'stateName'],
    ids: ['eventId', 'componentId'],
  },
  RECORDINGS: { hint: 'Search file or id', fields: ['fileName'], ids: ['recordingId'] },
  CHAT_MESSAGES: {
    hint: 'Search messages, names or id',
    fields: ['content', 'senderName'],
    ids: ['messageId'],
  },
  CONTINUOUS_RATINGS: { hint: 'Find by id', fields: [], ids: ['ratingId', 'componentId'] },
  SPARSE_RATINGS: {
    hint: 'Search question, dimension or id',
    fields: ['question', 'dimension'],
    ids: ['ratingId', 'componentId'],
  },
  SYNC_METRICS: { hint: 'Find by id', fields: [], ids: ['metricId'] },
  COMPONENTS: {
    hint: 'Search type, state or id',
    fields: ['componentType', 'stateName'],
    ids: ['componentId'],
  },
};
