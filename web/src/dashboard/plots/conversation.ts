/** Chat as it is read: who spoke in a row, on which side, and where there was silence. */

export interface Message {
  id: string;
  onset: number;
  timestamp: string;
  senderId: string | null;
  senderName: string | null;
  content: string;
  recipientIds: readonly string[];
  messageType: string | null;
}

export interface Turn {
  kind: 'turn';
  sender: string | null;
  name: string | null;
  side: 'left' | 'right';
  /** Whom alone it was sent to; empty for everyone. */
  recipients: readonly string[];
  messages: Message[];
}
export interface Pause {
  kind: 'pause';
  ms: number;
}
export interface Notice {
  kind: 'system';
  message: Message;
}
export type Piece = Turn | Pause | Notice;

const PAUSE_MS = 60_000;
const SAME_TURN_MS = 30_000;

/** Messages must be sorted by time. `self` is shown at the right; of two people, else, the second. */
export function conversationOf(messages: readonly Message[], self: string | null): Piece[] {
  const senders = [...new Set(messages.flatMap(({ senderId }) => senderId ?? []))];
  const right = self ?? (senders.length === 2 ? senders[1] : undefined);
  const pieces: Piece[] = [];
  let before: Message | undefined;
  for (const message of messages) {
    if (before && message.onset - before.onset >= PAUSE_MS) {
      pieces.push({ kind: 'pause', ms: message.onset - before.onset });
    }
    const last = pieces.at(-1);
    if (message.messageType === 'system' || message.senderId === null) {
      pieces.push({ kind: 'system', message });
    } else if (last?.kind === 'turn' && before && continues(last, before, message)) {
      last.messages.push(message);
    } else {
      pieces.push({
        kind: 'turn',
        sender: message.senderId,
        name: message.senderName,
        side: message.senderId === right ? 'right' : 'left',
        recipients: message.recipientIds,
        messages: [message],
      });
    }
    before = message;
  }
  return pieces;
}

function continues(turn: Turn, before: Message, next: Message): boolean {
  return (
    turn.sender === next.senderId &&
    next.onset - before.onset < SAME_TURN_MS &&
    turn.recipients.join() === next.recipientIds.join()
  );
}
