/** uPlot, loaded so that it works in every browser. */

import './language';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export default uPlot;
