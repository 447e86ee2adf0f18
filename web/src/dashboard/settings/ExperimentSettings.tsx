/** A stand-in. */

export default function ExperimentSettings(_: { experimentId: string; section: string }) {
  return null;
}
