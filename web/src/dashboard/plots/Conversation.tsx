/** A stand-in. */
import type { Place } from '../url/place';

export default function Conversation(_: { place: Place }) {
  return null;
}
