import { expect, it } from 'vitest';
import { conversationOf, type Message } from './conversation';

function said(onset: number, senderId: string | null, more: Partial<Message> = {}): Message {
  const rest = {
    timestamp: '',
    senderName: null,
    content: '',
    recipientIds: [],
    messageType: 'text',
  };
  return { id: `${onset}`, onset, senderId, ...rest, ...more };
}

const outline = (messages: Message[], self: string | null = null) =>
  conversationOf(messages, self).map((piece) =>
    piece.kind === 'turn' ? `${piece.sender} ${piece.side} ${piece.messages.length}` : piece.kind,
  );

it('puts two people on two sides, and what is said in a row together', () => {
  expect(outline([said(0, 'a'), said(1000, 'a'), said(5000, 'b')])).toEqual([
    'a left 2',
    'b right 1',
  ]);
});

it('begins anew after half a minute, and tells of a long silence', () => {
  expect(outline([said(0, 'a'), said(40_000, 'a'), said(200_000, 'a')])).toEqual([
    'a left 1',
    'a left 1',
    'pause',
    'a left 1',
  ]);
});

it('shows several people at the left, but for whose conversation it is', () => {
  const messages = [said(0, 'a'), said(1, 'b'), said(2, 'c')];
  expect(outline(messages)).toEqual(['a left 1', 'b left 1', 'c left 1']);
  expect(outline(messages, 'b')).toEqual(['a left 1', 'b right 1', 'c left 1']);
});

it('keeps apart what is for some alone, and what nobody said', () => {
  const messages = [said(0, 'a'), said(1, 'a', { recipientIds: ['b'] }), said(2, null)];
  expect(outline(messages)).toEqual(['a left 1', 'a left 1', 'system']);
});
