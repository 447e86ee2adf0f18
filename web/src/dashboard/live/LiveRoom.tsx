/** A stand-in. */
import type { Place } from '../url/place';

export default function LiveRoom(_: { place: Place }) {
  return null;
}
