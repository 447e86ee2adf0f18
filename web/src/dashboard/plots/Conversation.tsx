/** Chat of a room as a conversation, with the time of the session beside it. */

import { useEffect, useMemo, useRef, useState } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../api/graphql';
import { problemOf } from '../api/problems';
import { Button, Empty, Notice } from '../ui';
import type { Place } from '../url/place';
import { conversationOf, type Message, type Piece, type Turn } from './conversation';
import { Figure } from './Figure';
import { type Room, useRoom } from './people';
import { TimeAxis, useTimeAxis } from './TimeAxis';
import { formatLength, formatOnset } from './timeScale';

const MESSAGES = graphql(`
  query ConversationOfRoom($roomId: String!, $after: String) {
    room(roomId: $roomId) {
      chatMessages(first: 200, after: $after, orderBy: [{ field: ONSET }]) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          id
          onset
          timestamp
          senderId
          senderName
          content
          recipientIds
          messageType
        }
      }
    }
  }
`);

export default function Conversation({ place }: { place: Place }) {
  if (place.roomId === undefined) {
    return <Notice tone="info">A conversation belongs to one room: open a room to read it.</Notice>;
  }
  return (
    <TimeAxis>
      <Chat key={place.roomId} place={{ ...place, roomId: place.roomId }} />
    </TimeAxis>
  );
}

function Chat({ place }: { place: Place & { roomId: string } }) {
  const room = useRoom(place);
  const [after, setAfter] = useState<string | null>(null);
  const [earlier, setEarlier] = useState<Message[]>([]);
  const [{ data, fetching, error }, ask] = useQuery({
    query: MESSAGES,
    variables: { roomId: place.roomId, after },
  });
  const page = data?.room?.chatMessages ?? null;
  const messages = useMemo(() => {
    const all = new Map(
      [...earlier, ...(page?.nodes ?? [])].map((message) => [message.id, message]),
    );
    return [...all.values()];
  }, [earlier, page]);
  const pieces = useMemo(
    () => conversationOf(messages, place.participantId ?? null),
    [messages, place.participantId],
  );
  const more = () => {
    setEarlier(messages);
    setAfter(page?.pageInfo.endCursor ?? null);
  };
  const total = page?.totalCount ?? 0;
  return (
    <Figure
      title="Conversation"
      note={
        page && total > 0
          ? `${total.toLocaleString('en')} messages of everyone in the room`
          : undefined
      }
      fetching={fetching}
      problem={problemOf(error)}
      onRetry={() => ask({ requestPolicy: 'network-only' })}
    >
      {page && total === 0 && (
        <Empty title="No messages">Nobody wrote to anybody in this room.</Empty>
      )}
      {pieces.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys.
        <section className="chat" tabIndex={0} aria-label="Messages">
          <ol>
            {pieces.map((piece) => (
              <PieceOf key={keyOf(piece)} piece={piece} room={room} />
            ))}
          </ol>
          {page?.pageInfo.hasNextPage && (
            <Button onClick={more} busy={fetching}>
              Show the next {Math.min(200, total - messages.length)}
            </Button>
          )}
        </section>
      )}
    </Figure>
  );
}

function keyOf(piece: Piece): string {
  if (piece.kind === 'turn') return piece.messages[0]?.id ?? '';
  return piece.kind === 'system' ? piece.message.id : `pause of ${piece.ms}`;
}

function PieceOf({ piece, room }: { piece: Piece; room: Room }) {
  if (piece.kind === 'pause') return <li className="chat-pause">{formatLength(piece.ms)} later</li>;
  if (piece.kind === 'system') return <li className="chat-pause">{piece.message.content}</li>;
  return <TurnOf turn={piece} room={room} />;
}

function TurnOf({ turn, room }: { turn: Turn; room: Room }) {
  const axis = useTimeAxis();
  const person = room.personOf(turn.sender);
  const item = useRef<HTMLLIElement>(null);
  const first = turn.messages[0]?.onset ?? 0;
  const last = turn.messages.at(-1)?.onset ?? first;
  useEffect(
    () =>
      axis.cursor.follow((onset) => {
        const isNow = onset !== null && onset >= first && onset < last + 4000;
        item.current?.classList.toggle('now', isNow);
      }),
    [axis.cursor, first, last],
  );
  const to = turn.recipients.map((id) => room.personOf(id).label).join(', ');
  return (
    <li ref={item} className={`chat-turn ${turn.side}`} style={{ '--who': person.color } as object}>
      <p className="chat-who">
        <span className="legend-key" style={{ background: person.color }} />
        {turn.name ?? person.label}
        <span className="muted">
          {turn.name && person.role ? ` ${person.label}` : ''}
          {to && ` to ${to} only`}
        </span>
      </p>
      {turn.messages.map(({ id, content, onset, timestamp }) => (
        <p key={id} className="chat-message">
          <span className="chat-text">{content}</span>
          <button
            type="button"
            className="chat-time"
            title={`${timestamp}: go there`}
            onClick={() => axis.cursor.seek(onset)}
          >
            {formatOnset(onset)}
          </button>
        </p>
      ))}
    </li>
  );
}
