/** What an export is to hold: from what is on screen and what a person chose, to the API's input. */

import type { Shown } from '../shown';
import type { Place } from '../url/place';
import {
  ALL_TYPES,
  type Anonymization,
  type DataType,
  type Format,
  type Packaging,
  plural,
} from './wording';

export interface Selection {
  experimentIds?: string[];
  roomIds?: string[];
  participants?: { roomId: string; participantId: string }[];
}

/** Rows chosen in a table of one level. */
export interface Chosen {
  experimentIds?: string[];
  roomIds?: string[];
  participants?: { roomId: string; participantId: string }[];
}

export interface Choices {
  dataTypes: DataType[];
  format: Format;
  packaging: Packaging;
  anonymization: Anonymization;
  includeMedia: boolean;
  excelBom: boolean;
  formulaGuard: boolean;
  shiftTimes: boolean;
  /** Whether the filter of the table on screen holds in the files too. */
  keepFilter: boolean;
  reason: string;
}

export interface ExportInput extends Selection {
  dataTypes?: DataType[];
  filter?: Record<string, unknown>;
  format: Format;
  packaging: Packaging;
  anonymization: Anonymization;
  includeMedia: boolean;
  excelBom: boolean;
  formulaGuard: boolean;
  shiftTimes: boolean;
  reason?: string;
}

const FILTERS: Record<DataType, string> = {
  EVENTS: 'events',
  RECORDINGS: 'recordings',
  CHAT_MESSAGES: 'chatMessages',
  CONTINUOUS_RATINGS: 'continuousRatings',
  SPARSE_RATINGS: 'sparseRatings',
  SYNC_METRICS: 'syncMetrics',
  COMPONENTS: 'components',
};

/** Null where nothing is selected: above the experiments, with no row chosen. */
export function selectionOf(place: Place | null, chosen: Chosen = {}): Selection | null {
  if (chosen.experimentIds?.length) return { experimentIds: chosen.experimentIds };
  if (chosen.roomIds?.length) return { roomIds: chosen.roomIds };
  if (chosen.participants?.length) return { participants: chosen.participants };
  if (place === null) return null;
  const { experimentId, roomId, participantId } = place;
  if (roomId !== undefined && participantId !== undefined)
    return { participants: [{ roomId, participantId }] };
  if (roomId !== undefined) return { roomIds: [roomId] };
  return { experimentIds: [experimentId] };
}

/** A phrase for a heading: "room room_dyad_01", "3 rooms". */
export function nameOf({ experimentIds, roomIds, participants }: Selection): string {
  const parts = [
    named(experimentIds, 'experiment'),
    named(roomIds, 'room'),
    named(
      participants?.map(({ participantId }) => participantId),
      'participant',
    ),
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function named(ids: string[] | undefined, what: string): string {
  if (!ids?.length) return '';
  return ids.length === 1 ? `${what} ${ids[0]}` : plural(ids.length, what);
}

/** The filter of the one table of records on screen, as exports take it; null without one. */
export function filterOnScreen(shown: Shown | null): Record<string, unknown> | null {
  const [type, ...others] = shown?.dataTypes ?? [];
  if (type === undefined || others.length > 0 || !shown?.filter) return null;
  return Object.keys(shown.filter).length > 0 ? { [FILTERS[type]]: shown.filter } : null;
}

/** What the dialog opens with: the tab on screen, or all types; never identifiable by itself. */
export function firstChoices(shown: Shown | null): Choices {
  const types = shown?.dataTypes ?? [];
  return {
    dataTypes: types.length > 0 ? [...types] : [...ALL_TYPES],
    format: 'CSV',
    packaging: types.length === 1 ? 'SINGLE_FILE' : 'ZIP',
    anonymization: 'REMOVE_IDENTIFIERS',
    includeMedia: false,
    excelBom: false,
    formulaGuard: false,
    shiftTimes: false,
    keepFilter: true,
    reason: '',
  };
}

/** Makes choices that go together of a change: the rest gives way to what was just chosen. */
export function changed(choices: Choices, change: Partial<Choices>): Choices {
  const next = { ...choices, ...change };
  const { dataTypes, format } = next;
  if (format !== 'JSON' && dataTypes.length !== 1) next.packaging = 'ZIP';
  if (!mayHoldMedia(next)) next.includeMedia = false;
  if (format !== 'CSV') next.excelBom = false;
  if (format !== 'CSV' && format !== 'TSV') next.formulaGuard = false;
  if (next.anonymization === 'AGGREGATE_ONLY') next.shiftTimes = false;
  return next;
}

export function mayBeOneFile({ format, dataTypes }: Choices): boolean {
  return format === 'JSON' || dataTypes.length === 1;
}

export function mayHoldMedia({ packaging, anonymization, dataTypes }: Choices): boolean {
  return (
    packaging === 'ZIP' && anonymization !== 'AGGREGATE_ONLY' && dataTypes.includes('RECORDINGS')
  );
}

/** The same filter input, place and types: the files hold what the screen shows. */
export function inputOf(
  selection: Selection,
  choices: Choices,
  filter: Record<string, unknown> | null,
): ExportInput {
  const { dataTypes, keepFilter, reason, ...rest } = choices;
  const all = dataTypes.length === ALL_TYPES.length;
  return {
    ...selection,
    ...rest,
    ...(all ? {} : { dataTypes }),
    ...(keepFilter && filter ? { filter } : {}),
    ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
  };
}
