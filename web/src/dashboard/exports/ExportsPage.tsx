/** A stand-in. */

export default function ExportsPage(_: { experimentId?: string | undefined }) {
  return null;
}
