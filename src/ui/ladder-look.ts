import { css } from 'lit'

export const ladderLook = css`
  .heading { margin-bottom: var(--s2); }
  .heading h2 { margin: 0; }
  .scroll { overflow: auto; scrollbar-gutter: stable; flex: 1; min-height: 160px; outline-offset: -2px; contain: strict; }
  .note { padding: var(--s2) 0; font-size: var(--tiny); text-align: center; }
  svg { display: block; }
  .names { flex: none; }
  text { font: 12px var(--mono); fill: var(--ink); font-variant-numeric: tabular-nums; }
  text.name { font: 600 13px var(--sans); }
  text.mute { fill: var(--mute); }
  .tight text, text.tight { font-size: 10px; }
  .life { stroke: var(--line); stroke-width: 2; }
  .frame { cursor: pointer; --colour: var(--other); }
  .frame.syn { --colour: var(--syn); }
  .frame.data { --colour: var(--data); }
  .frame.ack { --colour: var(--ack); }
  .frame.fin { --colour: var(--fin); }
  .frame.bad { --colour: var(--bad); }
  .frame.again { --colour: var(--again); }
  .frame.near { --colour: var(--near); }
  .line { fill: none; stroke: var(--colour); stroke-width: 1.8; }
  .repeat .line:not(.cross) { stroke-dasharray: 6 4; }
  .cross { stroke-width: 2; }
  .head { fill: var(--colour); }
  .touch { fill: none; stroke: transparent; stroke-width: 16; }
  .frame:hover .line { stroke-width: 2.6; }
  .chosen .line, .chosen:hover .line { stroke-width: 3.4; }
  .chosen text { font-weight: 700; }
  .why { fill: var(--bad); }
  .state rect { fill: var(--panel); stroke: var(--line); }
  .state.now rect { stroke: var(--accent); stroke-width: 1.5; }
  .state.told rect { stroke-dasharray: 3 2; }
  .state text.by { font: 10px var(--sans); }
  .fold { cursor: pointer; }
  .fold rect { fill: transparent; stroke: var(--line); stroke-dasharray: 2 3; }
  .fold:hover rect { fill: var(--sunk); }
  .fold:focus { outline: none; }
  .fold:focus-visible rect { stroke: var(--accent); stroke-width: 2; stroke-dasharray: none; }
  .fold text { font: 12px var(--sans); }
  .fold.tight text { font-size: 11px; }
  .gap path { stroke: var(--mute); stroke-dasharray: 2 3; fill: none; }
`
