/** A stand-in. */
import type { Place } from '../url/place';

export default function DriftPanel(_: { place: Place }) {
  return null;
}
