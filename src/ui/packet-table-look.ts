import { css } from 'lit'

export const packetTableLook = css`
  :host { display: flex; flex-direction: column; min-height: 0; height: 100%; }
  .filter { padding: var(--s1) var(--s4); }
  .filter input { width: min(360px, 100%); }
  [aria-invalid='true'] { border-color: var(--bad); }
  .scroll { flex: 1; min-height: 120px; overflow: auto; outline-offset: -2px; contain: strict; }
  .line { contain: layout style; }
  .space { position: relative; min-width: 100%; }
  .line { display: grid; grid-template-columns: 48px 72px 84px 84px 84px 56px minmax(360px, 1fr); column-gap: var(--s2);
    align-items: center; height: 22px; padding: 0 var(--s4); font: var(--small) var(--mono);
    font-variant-numeric: tabular-nums; white-space: nowrap; cursor: default; }
  .line span { overflow: hidden; text-overflow: ellipsis; }
  .space .line { position: absolute; top: 0; left: 0; right: 0; min-width: max-content; }
  .heads { position: sticky; top: 0; z-index: 1; background: var(--paper); border-bottom: 1px solid var(--line);
    font: 500 var(--tiny) var(--sans); color: var(--mute); min-width: max-content; }
  .line:not(.heads):hover { background: var(--sunk); }
  .line.chosen, .line.chosen:hover { background: var(--chosen); }
  .c0, .c5 { text-align: right; }
  .key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; vertical-align: -1px; background: var(--other); }
  .key.syn { background: var(--syn); }
  .key.data { background: var(--data); }
  .key.ack { background: var(--ack); }
  .key.fin { background: var(--fin); }
  .key.bad { background: var(--bad); border-radius: 50%; }
  .key.again { background: repeating-linear-gradient(90deg, var(--again) 0 4px, transparent 4px 6px); }
  .key.near { background: var(--near); }
  .none { padding: var(--s4); }
  .narrow .line { grid-template-columns: auto auto auto auto 1fr auto; height: 42px; padding: 2px var(--s3); row-gap: 0; min-width: 0; }
  .narrow .line .c6 { grid-column: 1 / -1; grid-row: 2; }
  .narrow .c3::before { content: '→ '; color: var(--mute); }
  .narrow .heads { display: none; }
  .narrow .space .line { min-width: 0; border-bottom: 1px solid var(--line); }
`
