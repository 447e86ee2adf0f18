/** A stand-in. */
import type { Place } from '../url/place';

export default function RoomTimeline(_: { place: Place }) {
  return null;
}
