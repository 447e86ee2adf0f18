/** A stand-in. */

export default function KeysPage() {
  return null;
}
