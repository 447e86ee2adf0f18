/** Keeps the frame when a view cannot be loaded or breaks. */

import { Component, type ReactNode } from 'react';
import { useLocation } from 'wouter';
import { Button, Notice } from './ui';

export function ViewBoundary({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  return <Boundary key={path}>{children}</Boundary>;
}

class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <Notice
        tone="error"
        title="This view could not be shown"
        action={<Button onClick={() => location.reload()}>Load the page anew</Button>}
      >
        {isMissingCode(this.state.error)
          ? 'A part of the page could not be fetched: the server may be restarting, or has been updated.'
          : 'This is a fault of the page; the data are as they were.'}
      </Notice>
    );
  }
}

function isMissingCode({ message }: Error): boolean {
  return /dynamically imported module|Failed to fetch|preload/i.test(message);
}
