/** The few rhythms that people ask for, as cron expressions; anything else is typed in. */

export type Rhythm = 'HOURLY' | 'DAILY' | 'WEEKLY' | 'MONTHLY' | 'OTHER';

export interface When {
  rhythm: Rhythm;
  /** `HH:MM` by the clock of the time zone. */
  time: string;
  /** 0 for Sunday to 6. */
  weekday: number;
  cron: string;
}

export const WEEKDAYS = [
  'Sunday',
  'Monday',
  'Tuesday',
  'Wednesday',
  'Thursday',
  'Friday',
  'Saturday',
];

export function cronOf({ rhythm, time, weekday, cron }: When): string {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  switch (rhythm) {
    case 'HOURLY':
      return `${minute} * * * *`;
    case 'DAILY':
      return `${minute} ${hour} * * *`;
    case 'WEEKLY':
      return `${minute} ${hour} * * ${weekday}`;
    case 'MONTHLY':
      return `${minute} ${hour} 1 * *`;
    case 'OTHER':
      return cron.trim();
  }
}

/** Says an expression in words where it is one of the usual ones, else as it is. */
export function inWords(cron: string): string {
  const found = /^(\d+) (\d+|\*) (1|\*) \* (\d|\*)$/.exec(cron);
  if (!found) return `cron ${cron}`;
  const [, minute = '', hour = '', day = '', weekday = ''] = found;
  const at = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  if (hour === '*')
    return day === '*' && weekday === '*'
      ? `every hour at ${minute.padStart(2, '0')} past`
      : `cron ${cron}`;
  if (day === '1') return weekday === '*' ? `on the 1st of each month at ${at}` : `cron ${cron}`;
  if (weekday === '*') return `every day at ${at}`;
  return `every ${WEEKDAYS[Number(weekday) % 7]} at ${at}`;
}
