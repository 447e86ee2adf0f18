/** What choices, states and reasons are called, and what each does, in a plain sentence. */

export type DataType =
  | 'EVENTS'
  | 'RECORDINGS'
  | 'CHAT_MESSAGES'
  | 'CONTINUOUS_RATINGS'
  | 'SPARSE_RATINGS'
  | 'SYNC_METRICS'
  | 'COMPONENTS';
export type Format = 'CSV' | 'TSV' | 'JSON' | 'NDJSON' | 'PARQUET';
export type Packaging = 'ZIP' | 'SINGLE_FILE';
export type Anonymization = 'KEEP' | 'REMOVE_IDENTIFIERS' | 'AGGREGATE_ONLY';
export type Status =
  | 'CREATED'
  | 'RUNNING'
  | 'CANCELING'
  | 'CANCELED'
  | 'COMPLETED'
  | 'FAILED'
  | 'EXPIRED';
export type Tone = 'neutral' | 'accent' | 'good' | 'warning' | 'bad';

export const DATA_TYPES: Record<DataType, string> = {
  EVENTS: 'Events',
  RECORDINGS: 'Recordings',
  CHAT_MESSAGES: 'Chat messages',
  CONTINUOUS_RATINGS: 'Continuous ratings',
  SPARSE_RATINGS: 'Sparse ratings',
  SYNC_METRICS: 'Sync metrics',
  COMPONENTS: 'Components',
};
export const ALL_TYPES = Object.keys(DATA_TYPES) as DataType[];

export const FORMATS: Record<Format, { name: string; what: string }> = {
  CSV: { name: 'CSV', what: 'One line a record, for spreadsheets, R and pandas.' },
  TSV: { name: 'TSV', what: 'As CSV, with tabs between the values.' },
  JSON: { name: 'JSON', what: 'Nested values as they are, in one document, with metadata.' },
  NDJSON: { name: 'NDJSON', what: 'One JSON object a line: for large files, read line by line.' },
  PARQUET: { name: 'Parquet', what: 'Typed and compressed, for pandas, polars, DuckDB and arrow.' },
};

export const PACKAGINGS: Record<Packaging, { name: string; what: string }> = {
  ZIP: {
    name: 'ZIP',
    what: 'A file for each room and data type, with metadata and a data dictionary.',
  },
  SINGLE_FILE: { name: 'Single file', what: 'One data type of all rooms in one table.' },
};

export const ANONYMIZATIONS: Record<Anonymization, { name: string; what: string }> = {
  REMOVE_IDENTIFIERS: {
    name: 'De-identified',
    what:
      'Participants appear under codes such as P0001, the same in every file; e-mail and network ' +
      'addresses, browsers and known names are taken out, in texts too. What people wrote may ' +
      'still tell who they are: read it before you share it.',
  },
  KEEP: {
    name: 'Identifiable',
    what:
      'Everything as it was recorded. Whoever has the files can tell who the participants are: ' +
      'keep them where only your team can read them.',
  },
  AGGREGATE_ONLY: {
    name: 'Statistics only',
    what:
      'No record of anybody: counts, means and spreads of groups. Figures that would describe ' +
      'too few people are left out.',
  },
};

export const MEDIA = {
  plain: 'The recorded video and audio, in the ZIP.',
  deidentified:
    'Faces and voices show who people are, whatever else is taken out: the files will be marked ' +
    'IDENTIFIABLE MEDIA.',
};

export const STATUSES: Record<Status, { name: string; tone: Tone }> = {
  CREATED: { name: 'Waiting', tone: 'neutral' },
  RUNNING: { name: 'Being written', tone: 'accent' },
  CANCELING: { name: 'Being stopped', tone: 'warning' },
  CANCELED: { name: 'Canceled', tone: 'neutral' },
  COMPLETED: { name: 'Ready', tone: 'good' },
  FAILED: { name: 'Failed', tone: 'bad' },
  EXPIRED: { name: 'Expired', tone: 'neutral' },
};

export const isGoingOn = (status: Status): boolean =>
  status === 'CREATED' || status === 'RUNNING' || status === 'CANCELING';

export const isTryable = (status: Status): boolean =>
  status === 'FAILED' || status === 'CANCELED' || status === 'EXPIRED';

export const WITHHELD: Record<string, string> = {
  AGGREGATED: 'part of the statistics, not shown one by one',
  SMALL_GROUP: 'would describe too few people',
  IDENTIFIERS: 'shows who people are',
  CONSENT_WITHDRAWN: 'consent withdrawn',
  FILE_MISSING: 'no file in the store',
};

export const IDENTIFYING: Record<string, string> = {
  DIRECT: 'tells by itself who somebody is',
  QUASI: 'tells it together with other things',
  FREE_TEXT: 'free text that people wrote',
};

/** What to do about an export that failed, beside the server's own message. */
export function adviceOn(errorCode: string | null): string {
  switch (errorCode) {
    case 'WORKER_LOST':
    case 'RECORDS_CHANGED':
      return 'Try it again: usually that is enough.';
    case 'FORBIDDEN':
      return 'Trying it again does not help until the owner has shared the data with you.';
    case 'STORAGE_FAILED':
    case 'STORAGE_FULL':
      return 'Whoever runs the server has to make room first; then try it again.';
    default:
      return 'Try it again; if it fails once more, tell whoever runs the server.';
  }
}

const COUNT = new Intl.NumberFormat('en');
export const count = (n: number): string => COUNT.format(n);

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** 1000 to the kB, as file managers show it. */
export function size(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${UNITS[power]}`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return 'less than a second';
  if (seconds < 90) return plural(Math.round(seconds), 'second');
  return plural(Math.round(seconds / 60), 'minute');
}

/** A moment in the reader's own time zone, to the minute. */
export function moment(iso: string): string {
  return new Date(iso).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  });
}
