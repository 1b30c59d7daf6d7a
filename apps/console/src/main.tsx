import './style/base.css';
import './style/pages.css';
import './style/call.css';
import './style/quality.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';

createRoot(document.getElementById('root') as HTMLElement).render(<App />);
