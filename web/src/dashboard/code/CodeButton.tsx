/** A stand-in. */

export default function CodeButton() {
  return null;
}
