/** A stand-in. */
import type { Place } from '../url/place';

export default function RatingsPanel(_: { place: Place }) {
  return null;
}
