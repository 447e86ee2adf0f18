import type { ReactNode } from 'react';
import type { Problem } from '../api/problems';
import { Button } from './Button';
import './Notice.css';

export type Tone = 'info' | 'good' | 'warning' | 'error';

interface NoticeProps {
  tone: Tone;
  title?: ReactNode;
  children?: ReactNode;
  action?: ReactNode;
}

/** Says something in its place; an error is read out at once. */
export function Notice({ tone, title, children, action }: NoticeProps) {
  return (
    <div className={`notice ${tone}`} role={tone === 'error' ? 'alert' : 'status'}>
      <div>
        {title && <p className="notice-title">{title}</p>}
        {children && <div className="notice-text">{children}</div>}
      </div>
      {action}
    </div>
  );
}

/** Says what went wrong, and offers to try again where that may help. */
export function ProblemNotice({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  const again = onRetry && problem.canRetry && <Button onClick={onRetry}>Try again</Button>;
  return (
    <Notice tone="error" title={problem.title} action={again}>
      {problem.what}
    </Notice>
  );
}
