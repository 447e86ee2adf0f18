import { describe, expect, it } from 'vitest';
import { exportCommand, snippetsOf } from './snippets';
import { walkOf } from './walk';

const EVENTS = `
  query Events($roomId: String!, $filter: EventFilter, $orderBy: [EventOrder!], $after: String, $before: String, $last: Int) {
    room(roomId: $roomId) {
      __typename
      name: roomId
      records: events(filter: $filter, orderBy: $orderBy, first: 50, after: $after, before: $before, last: $last) {
        totalCount
        edges { cursor node { ...Row } }
        pageInfo { hasNextPage hasPreviousPage endCursor startCursor }
      }
    }
  }
  fragment Row on Event { eventId content }
`;

describe('walkOf', () => {
  const walk = walkOf({
    document: EVENTS,
    variables: {
      roomId: 'room_1',
      filter: { category: { equals: 'media' } },
      orderBy: [],
      after: 'somewhere',
    },
  });

  it('finds the list, by the name that it has in the answer', () => {
    expect(walk.path).toEqual(['room', 'records']);
  });

  it('reads from the beginning, in the largest pages, forward', () => {
    expect(walk.variables).toEqual({
      roomId: 'room_1',
      filter: { category: { equals: 'media' } },
    });
    expect(walk.document).toContain('first: 1000');
    expect(walk.document).toContain('after: $after');
    expect(walk.document).not.toContain('before');
    expect(walk.document).not.toContain('totalCount');
  });

  it('writes fragments out, and asks for nodes', () => {
    expect(walk.document).not.toContain('fragment Row');
    expect(walk.document).not.toContain('__typename');
    expect(walk.document).toMatch(/nodes \{\s+\.\.\. on Event \{\s+eventId\s+content/);
  });

  it('declares what it uses, and nothing else', () => {
    expect(walk.document).toMatch(
      /query Events\(\s*\$roomId: String!,?\s*\$filter: EventFilter,?\s*\$after: String\s*\)/,
    );
    expect(walk.document).not.toContain('orderBy');
  });

  it('keeps what is no list as it is', () => {
    const once = walkOf({
      document: 'query Q($p: Int!) { room(roomId: "r") { ratingSeries(points: $p) { from } } }',
      variables: { p: 100 },
    });
    expect(once.path).toBeNull();
    expect(once.variables).toEqual({ p: 100 });
    expect(once.document).not.toContain('after');
  });

  it('reads samples in pages of ten thousand', () => {
    const samples = walkOf({
      document:
        '{ room(roomId: "r") { continuousRatings { nodes { value } pageInfo { endCursor } } } }',
      variables: {},
    });
    expect(samples.document).toContain('first: 10000');
  });
});

describe('snippetsOf', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what must stay text
  const nasty = 'a "quote", a \\ and `${x}` and )---" and \'';
  const walk = walkOf({
    document: `query { room(roomId: ${JSON.stringify(nasty)}) { events { nodes { eventId } pageInfo { endCursor } } } }`,
    variables: {},
  });
  const text = (language: string) =>
    snippetsOf(walk, 'http://here').find((each) => each.language === language)?.text ?? '';

  it('lets no text end a literal of the script', () => {
    expect(text('javascript')).toMatch(/\\`\\\$\{x\}\\`/);
    expect(text('python')).toContain('\\\\"quote\\\\"');
  });

  it('knows texts of several lines, too', () => {
    const block = walkOf({
      document: `{ room(roomId: """a )---" b""") { roomId } }`,
      variables: {},
    });
    const texts = snippetsOf(block, 'http://here').map((each) => each.text);
    expect(texts.some((each) => each.includes('r"----('))).toBe(true);
    expect(texts.some((each) => each.includes('\\"\\"\\"a )'))).toBe(true);
  });

  it('writes values as Python has them', () => {
    const typed = walkOf({
      document:
        'query Q($f: EventFilter) { room(roomId: "r") { events(filter: $f) { nodes { eventId } pageInfo { endCursor } } } }',
      variables: { f: { stateId: { isNull: true }, or: [{ onset: { gte: 0 } }], a: null } },
    });
    const python = snippetsOf(typed, 'http://here').find((each) => each.language === 'python');
    expect(python?.text).toContain('"isNull": True');
    expect(python?.text).toContain('"a": None');
  });

  it('holds no key', () => {
    for (const snippet of snippetsOf(walk, 'http://here'))
      expect(snippet.text).not.toContain('hst_live');
  });
});

describe('exportCommand', () => {
  it('quotes what a shell would take apart', () => {
    const command = exportCommand(
      {
        roomIds: ['room_1'],
        dataTypes: ['CHAT_MESSAGES'],
        filter: { chatMessages: { content: { contains: "it's" } } },
      },
      'http://here',
    );
    expect(command?.text).toContain('--room room_1');
    expect(command?.text).toContain('--type chat-messages');
    expect(command?.text).toContain(
      `--filter '{"chatMessages":{"content":{"contains":"it'\\''s"}}}'`,
    );
  });

  it('is not there where no place is chosen', () => {
    expect(exportCommand({}, 'http://here')).toBeNull();
  });
});
