/** A stand-in. */
import type { Place } from '../url/place';

export default function Player(_: { place: Place }) {
  return null;
}
