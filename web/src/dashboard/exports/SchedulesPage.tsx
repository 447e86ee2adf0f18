/** A stand-in. */

export default function SchedulesPage() {
  return null;
}
