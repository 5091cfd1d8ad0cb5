/**
 * The look, in one place: tokens on the document, and the few shapes that all components share.
 *
 * A calm sheet of paper: one type scale, a spacing scale of 4, hairlines for walls. A colour means one thing and is
 * never alone: violet SYN, blue data, grey pure ACK, amber FIN, red lost or refused, orange dashed sent again, teal
 * neighbours.
 */
import { css } from 'lit'

/** On the document; custom properties reach into every component. */
export const tokens = css`
  :root {
    color-scheme: light dark;
    --paper: light-dark(#fbfaf7, #14171a);
    --panel: light-dark(#fff, #1b1f23);
    --sunk: light-dark(#f3f1ec, #101315);
    --line: light-dark(#dedad1, #2c3238);
    /* The edge of a control: 3:1 against its surroundings (WCAG 1.4.11). */
    --edge: light-dark(#8d8a83, #69727b);
    --ink: light-dark(#1d2125, #e8e6e1);
    --mute: light-dark(#5d6268, #98a0a8);
    --accent: light-dark(#1f5fbf, #6ea8ff);
    --on-accent: light-dark(#fff, #0d1216);
    --syn: light-dark(#6a3fb5, #b79bff);
    --data: light-dark(#1f5fbf, #6ea8ff);
    --ack: light-dark(#6b7178, #9aa3ab);
    --fin: light-dark(#96650a, #e0b252);
    --bad: light-dark(#b3261e, #ff8a80);
    --again: light-dark(#b4530a, #ffb074);
    --near: light-dark(#0f766e, #5ed0c4);
    --other: light-dark(#1d2125, #e8e6e1);
    --chosen: color-mix(in oklab, var(--accent) 14%, transparent);
    --s1: 4px;
    --s2: 8px;
    --s3: 12px;
    --s4: 16px;
    --s5: 24px;
    --r: 6px;
    --sans: system-ui, sans-serif;
    --mono: ui-monospace, 'DejaVu Sans Mono', monospace;
    --text: 14px/1.45 var(--sans);
    scrollbar-color: var(--edge) transparent;
    --small: 12.5px;
    --tiny: 12px;
  }
  :root[data-theme='light'] {
    color-scheme: light;
  }
  :root[data-theme='dark'] {
    color-scheme: dark;
  }
  body {
    margin: 0;
    background: var(--paper);
    color: var(--ink);
    font: var(--text);
  }
`

/** In every component. */
export const shapes = css`
  :host {
    display: block;
    min-width: 0;
    scrollbar-width: thin;
  }
  * {
    box-sizing: border-box;
    scrollbar-width: thin;
  }
  h2,
  h3 {
    font-size: 13px;
    font-weight: 600;
    margin: 0 0 var(--s2);
  }
  h2 .mute,
  h3 .mute {
    font-weight: 400;
  }
  p {
    margin: 0;
  }
  ul,
  ol {
    margin: 0;
    padding: 0;
    list-style: none;
  }
  b {
    font-weight: 600;
  }
  .mute {
    color: var(--mute);
  }
  .wrong {
    color: var(--bad);
  }
  .wrong::before {
    content: '✕ ';
  }
  .mono {
    font-family: var(--mono);
    font-size: var(--small);
    font-variant-numeric: tabular-nums;
  }
  button,
  select,
  input {
    font: inherit;
    color: inherit;
    background: var(--panel);
    border: 1px solid var(--line);
    border-radius: var(--r);
    padding: 4px var(--s3);
    min-height: 32px;
    max-width: 100%;
  }
  input,
  select {
    border-color: var(--edge);
    padding-inline: var(--s2);
  }
  input::placeholder {
    color: var(--mute);
    opacity: 1;
  }
  button {
    cursor: pointer;
  }
  button:hover:not(:disabled) {
    border-color: var(--edge);
  }
  button:disabled {
    color: var(--mute);
    cursor: default;
    border-style: dashed;
  }
  button.go {
    background: var(--accent);
    border-color: transparent;
    color: var(--on-accent);
  }
  button.small,
  input.small,
  select.small {
    min-height: 26px;
    padding: 1px var(--s2);
    font-size: var(--tiny);
  }
  :focus-visible {
    outline: 2px solid var(--accent);
    outline-offset: 1px;
  }
  .row {
    display: flex;
    align-items: center;
    gap: var(--s2);
    flex-wrap: wrap;
  }
  .grow {
    flex: 1;
    min-width: 0;
  }
  .chip {
    border: 1px solid var(--line);
    border-radius: 99px;
    padding: 1px 9px;
    font-size: var(--tiny);
  }
  .unseen {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: reduce) {
    * {
      scroll-behavior: auto !important;
      transition: none !important;
      animation: none !important;
    }
  }
`
