/** The columns of experiments, rooms and participants. */

import { Link } from 'wouter';
import type { Column } from '../table/columns';
import { count, Duration, Figure, List, Status, Text, Time, YesNo } from '../table/format';
import { Badge } from '../ui';
import { type Place, placePath } from '../url/place';
import { DATA_TYPES } from './dataTypes';
import type { ExperimentRow, ParticipantRow, RoomRow } from './rows';

export const EXPERIMENT_COLUMNS: Column<ExperimentRow>[] = [
  {
    id: 'name',
    label: 'Name',
    width: 240,
    order: 'NAME',
    filter: 'text',
    cell: ({ experimentId, name }) => <Link href={placePath({ experimentId })}>{name}</Link>,
  },
  {
    id: 'status',
    label: 'Status',
    width: 120,
    order: 'STATUS',
    filter: { oneOf: ['ACTIVE', 'COMPLETED', 'ARCHIVED'] },
    cell: ({ status }) => <Status value={status} />,
  },
  {
    id: 'participantCount',
    label: 'Participants',
    width: 124,
    align: 'end',
    filter: 'number',
    cell: ({ participantCount }) => count(participantCount),
  },
  {
    id: 'roomCount',
    label: 'Rooms',
    width: 96,
    align: 'end',
    filter: 'number',
    cell: ({ roomCount }) => count(roomCount),
  },
  {
    id: 'createdAt',
    label: 'Created',
    width: 150,
    order: 'CREATED_AT',
    filter: 'time',
    cell: ({ createdAt }) => <Time value={createdAt} />,
  },
  {
    id: 'updatedAt',
    label: 'Updated',
    width: 150,
    order: 'UPDATED_AT',
    filter: 'time',
    cell: ({ updatedAt }) => <Time value={updatedAt} />,
  },
  {
    id: 'owner',
    label: 'Owner',
    width: 160,
    select: 'owner { name }',
    filter: 'ids',
    filterField: 'ownerId',
    cell: ({ owner }) => <Text value={owner.name} />,
  },
  {
    id: 'access',
    label: 'Your access',
    width: 220,
    select: 'access { why }',
    cell: ({ access }) => <Text value={access.why} />,
  },
  {
    id: 'experimentId',
    label: 'Id',
    width: 190,
    order: 'EXPERIMENT_ID',
    filter: 'ids',
    extra: true,
    cell: ({ experimentId }) => <span className="mono">{experimentId}</span>,
  },
  {
    id: 'description',
    label: 'Description',
    width: 320,
    order: 'DESCRIPTION',
    filter: 'text',
    extra: true,
    cell: ({ description }) => <Text value={description} />,
  },
  {
    id: 'roles',
    label: 'Roles',
    width: 160,
    filter: 'list',
    extra: true,
    cell: ({ roles }) => <List value={roles} />,
  },
  {
    id: 'requiredParticipants',
    label: 'Needed in a room',
    width: 160,
    align: 'end',
    order: 'REQUIRED_PARTICIPANTS',
    filter: 'number',
    extra: true,
    cell: ({ requiredParticipants }) => <Figure value={requiredParticipants} />,
  },
  {
    id: 'participantsMayRequestData',
    label: 'May ask for own data',
    width: 180,
    order: 'PARTICIPANTS_MAY_REQUEST_DATA',
    filter: 'boolean',
    extra: true,
    cell: ({ participantsMayRequestData }) => <YesNo value={participantsMayRequestData} />,
  },
  {
    id: 'completedAt',
    label: 'Completed',
    width: 150,
    order: 'COMPLETED_AT',
    filter: 'time',
    extra: true,
    cell: ({ completedAt }) => <Time value={completedAt} />,
  },
  {
    id: 'retention',
    label: 'Data deleted at',
    width: 170,
    select: 'retention { deletesDataAt archivesAt legalHold }',
    extra: true,
    cell: ({ retention }) =>
      retention.legalHold ? (
        <Badge tone="warning">legal hold</Badge>
      ) : (
        <Time value={retention.deletesDataAt} />
      ),
  },
];

export function roomColumns(experimentId: string): Column<RoomRow>[] {
  return [
    {
      id: 'roomId',
      label: 'Room',
      width: 230,
      order: 'ROOM_ID',
      filter: 'ids',
      cell: ({ roomId }) => (
        <Link href={placePath({ experimentId, roomId })} className="mono">
          {roomId}
        </Link>
      ),
    },
    {
      id: 'status',
      label: 'Status',
      width: 120,
      order: 'STATUS',
      filter: { oneOf: ['ACTIVE', 'COMPLETED'] },
      cell: ({ status }) => <Status value={status} />,
    },
    {
      id: 'participantCount',
      label: 'Participants',
      width: 124,
      align: 'end',
      filter: 'number',
      cell: ({ participantCount }) => count(participantCount),
    },
    {
      id: 'startTime',
      label: 'Started (UTC)',
      width: 160,
      order: 'START_TIME',
      filter: 'time',
      cell: ({ startTime }) => <Time value={startTime} />,
    },
    {
      id: 'endTime',
      label: 'Ended (UTC)',
      width: 160,
      order: 'END_TIME',
      filter: 'time',
      cell: ({ endTime }) => <Time value={endTime} />,
    },
    {
      id: 'duration',
      label: 'Duration',
      width: 124,
      align: 'end',
      order: 'DURATION',
      filter: 'number',
      cell: ({ duration }) => <Duration value={duration} />,
    },
    {
      id: 'completionReason',
      label: 'Ended because',
      width: 180,
      order: 'COMPLETION_REASON',
      filter: 'text',
      cell: ({ completionReason }) => <Text value={completionReason} />,
    },
    {
      id: 'experimentStart',
      label: 'Time zero (UTC)',
      width: 190,
      order: 'EXPERIMENT_START',
      filter: 'time',
      extra: true,
      cell: ({ experimentStart }) => <Time value={experimentStart} exact />,
    },
  ];
}

const IDENTIFYING =
  'Tells who participants are: shown to the owner and administrators, if it was collected.';

export function participantColumns(place: Place, maySeeWho: boolean): Column<ParticipantRow>[] {
  const { experimentId } = place;
  const hiddenBecause = maySeeWho ? undefined : IDENTIFYING;
  const identifying = (id: 'email' | 'ipAddress' | 'userAgent', label: string, width: number) => ({
    id,
    label,
    width,
    extra: id !== 'email',
    hiddenBecause,
    cell: (row: ParticipantRow) =>
      maySeeWho ? <Text value={row[id]} /> : <span className="muted">not shown to you</span>,
  });
  const columns: Column<ParticipantRow>[] = [
    {
      id: 'participantId',
      label: 'Participant',
      width: 270,
      order: 'PARTICIPANT_ID',
      filter: 'ids',
      cell: ({ participantId, room: { roomId } }) => (
        <Link href={placePath({ experimentId, roomId, participantId }, 'events')} className="mono">
          {participantId}
        </Link>
      ),
    },
    {
      id: 'roomId',
      label: 'Room',
      width: 210,
      filter: 'ids',
      select: 'room { roomId }',
      cell: ({ room: { roomId } }) => (
        <Link href={placePath({ experimentId, roomId })} className="mono">
          {roomId}
        </Link>
      ),
    },
    {
      id: 'role',
      label: 'Role',
      width: 110,
      order: 'ROLE',
      filter: 'text',
      cell: ({ role }) => <Text value={role} />,
    },
    {
      id: 'status',
      label: 'Status',
      width: 130,
      order: 'STATUS',
      filter: { oneOf: ['ACTIVE', 'COMPLETED', 'DISCONNECTED'] },
      cell: ({ status }) => <Status value={status} />,
    },
    {
      id: 'dataSummary',
      label: 'Records',
      width: 110,
      align: 'end',
      select: 'dataSummary { dataType recordCount }',
      cell: ({ dataSummary }) => (
        <span
          title={dataSummary
            .map(({ dataType, recordCount }) => `${dataType.toLowerCase()}: ${count(recordCount)}`)
            .join('\n')}
        >
          {count(dataSummary.reduce((sum, { recordCount }) => sum + recordCount, 0))}
        </span>
      ),
    },
    {
      id: 'availableData',
      label: 'Data',
      width: 190,
      filter: { anyOf: DATA_TYPES.map(({ name }) => name) },
      filterField: 'hasData',
      cell: ({ availableData }) => (
        <List
          value={DATA_TYPES.filter(({ name }) => availableData.includes(name)).map((t) => t.label)}
        />
      ),
    },
    {
      id: 'completionCode',
      label: 'Completion code',
      width: 150,
      order: 'COMPLETION_CODE',
      filter: 'text',
      suggestions: [
        'SUCCESS',
        'TIMEOUT',
        'TECHNICAL',
        'NOCONSENT',
        'ABANDONED',
        'IN_PROGRESS',
        'COMPLETED_NO_CODE',
      ],
      cell: ({ completionCode }) => <Text value={completionCode} />,
    },
    {
      id: 'joinedAt',
      label: 'Joined (UTC)',
      width: 150,
      order: 'JOINED_AT',
      filter: 'time',
      cell: ({ joinedAt }) => <Time value={joinedAt} />,
    },
    {
      id: 'completedAt',
      label: 'Completed (UTC)',
      width: 150,
      order: 'COMPLETED_AT',
      filter: 'time',
      extra: true,
      cell: ({ completedAt }) => <Time value={completedAt} />,
    },
    identifying('email', 'Email', 200),
    identifying('ipAddress', 'IP address', 140),
    identifying('userAgent', 'User agent', 240),
  ];
  return place.roomId === undefined ? columns : columns.filter(({ id }) => id !== 'roomId');
}
