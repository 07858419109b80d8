/** The style of the report: system fonts, two colour schemes, nothing that must be loaded. */

/** The content of the report's style element. */
export const reportStyle = `
:root{--ink:#1a1d21;--soft:#5b6470;--paper:#fff;--line:#d9dee4;--fill:#2f6f4f;--doubt:#a33b20}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#9aa4af;--paper:#14171a;
--line:#2d333a;--fill:#6fbf95;--doubt:#f0907a}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;margin:.5rem 0 1rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
.figures{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;margin:0}
.figures dt{color:var(--soft)}.figures dd{margin:0;font-size:1.9rem;font-weight:600}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);
white-space:nowrap;font-variant-numeric:tabular-nums}
th{color:var(--soft);font-weight:500}
.doubt td,.remarks{color:var(--doubt)}.doubt td{white-space:normal}
.bar{display:inline-block;width:6rem;height:.55rem;margin-right:.6rem;background:var(--line)}
.bar span{display:block;height:100%;background:var(--fill)}
svg{width:100%;height:auto}.grid line{stroke:var(--line)}
.grid text{fill:var(--soft);font-size:12px}
.line{fill:none;stroke:var(--fill);stroke-width:2}.second{stroke:var(--soft);stroke-dasharray:5 3}
.note{color:var(--soft);font-size:.9rem}
.pictures{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0}figure img{image-rendering:pixelated;margin-right:2px;max-width:128px}
figcaption{font-size:.9rem}figcaption span{color:var(--soft);display:block}
@media print{main{max-width:none}}
`;
