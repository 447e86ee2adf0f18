/** What every view is made of. */

export { Badge, type BadgeTone } from './Badge';
export { Button, type ButtonProps } from './Button';
export { Dialog } from './Dialog';
export { Empty } from './Empty';
export { type ControlProps, Field } from './Field';
export { Menu } from './Menu';
export { Notice, ProblemNotice, type Tone } from './Notice';
export { Progress } from './Progress';
export { Spinner } from './Spinner';
export { type TabItem, Tabs } from './Tabs';
export { Toasts, toast } from './Toast';
