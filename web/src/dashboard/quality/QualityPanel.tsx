/** A stand-in. */
import type { Place } from '../url/place';

export default function QualityPanel(_: { place: Place }) {
  return null;
}
