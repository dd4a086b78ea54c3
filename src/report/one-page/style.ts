import { LIGHT, variables } from "../html/palette.ts";
import { Markup } from "../markup.ts";

/**
 * Sheet and screen. On paper the page is one box of the size of A4 that nothing can grow; a narrow screen gets one flowing column. Paper is
 * white: there is no dark form.
 */
export const STYLE = new Markup(`
@page{size:A4;margin:0}
:root{color-scheme:light;${variables(LIGHT)}}
*{box-sizing:border-box;margin:0;padding:0}
body{background:var(--sunken);color:var(--text);font:8pt/1.34 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{width:210mm;height:296.5mm;margin:8mm auto;padding:11mm 12mm 9mm;background:#fff;overflow:hidden;display:flex;flex-direction:column;gap:4mm}
header{display:flex;justify-content:space-between;align-items:flex-end;gap:8mm;border-bottom:.7mm solid var(--text);padding-bottom:3mm}
h1{font-size:19pt;line-height:1.15;letter-spacing:-.015em}
h2{font-size:7.8pt;letter-spacing:.09em;text-transform:uppercase;color:var(--accent);margin-bottom:1.3mm}
.eyebrow{color:var(--muted);font-size:8pt}
.verdict{flex:none;max-width:74mm;padding:2.4mm 3.4mm;border-radius:1.4mm;color:#fff;font-weight:650;font-size:11pt;line-height:1.25;background:var(--muted)}
.verdict small{display:block;margin-top:.6mm;font-size:8pt;font-weight:400}
.verdict.no{background:var(--wrong)}.verdict.with-care{background:var(--caution)}.verdict.yes{background:var(--right)}
.columns{display:grid;grid-template-columns:1fr 1fr;gap:7mm}
.closing{grid-template-columns:3fr 2fr}
dt{font-weight:650}
.concepts dd+dt{margin-top:1mm}
.procedure ol{padding-left:4.6mm}
.procedure li+li{margin-top:.9mm}
.procedure li::marker{color:var(--accent);font-weight:650}
table{border-collapse:collapse;width:100%}
th{font-weight:400;color:var(--muted);text-align:left;font-size:7.6pt}
th,td{padding:.75mm 3mm .75mm 0;border-bottom:.2mm solid var(--line);vertical-align:middle}
th:last-child,td:last-child{width:46mm;padding-right:0}
.n{text-align:right;white-space:nowrap}
tr.part td:first-child{padding-left:4mm;color:var(--muted)}
tr.all td:nth-child(2){font-weight:650}
s{text-decoration-thickness:.5mm}
.bar{display:block;width:100%;height:2.6mm}
.rail{fill:var(--sunken)}.fill{fill:var(--muted)}.clean .fill{fill:var(--right)}.all .fill{fill:var(--wrong)}.part .fill{fill:var(--heat3)}.span{fill:var(--text)}
.cards{display:grid;grid-template-columns:repeat(3,1fr);gap:4mm;margin-top:3.2mm}
.cards:empty{display:none}
article{border:.2mm solid var(--line);border-radius:1.4mm;padding:2.4mm;background:var(--page)}
.triptych{display:grid;grid-template-columns:repeat(3,1fr);gap:1.4mm}
.triptych img{display:block;width:100%;aspect-ratio:1;object-fit:contain;background:var(--sunken);image-rendering:pixelated;border-radius:.6mm}
figcaption{text-align:center;color:var(--muted);font-size:6.8pt}
.fields{min-height:17mm}
article dl{margin-top:1.2mm;font-size:7.6pt;line-height:1.32}
article dt{float:left;clear:left;width:13.5mm;white-space:nowrap;color:var(--accent);font-size:6.2pt;letter-spacing:.05em;text-transform:uppercase;line-height:1.6}
article dd{margin-left:13.5mm}
article dd+dt,article dd+dt+dd{margin-top:.5mm}
.note{margin-top:2mm;color:var(--muted);font-size:7.6pt}
.decision p+p{margin-top:1mm}
.arithmetic{color:var(--muted);font-size:7.2pt}
.steps{margin-top:1.2mm;padding-left:4.6mm}
.steps li+li{margin-top:.6mm}
.limits ul{padding-left:4.2mm}
.limits li+li{margin-top:.6mm}
code{font:7pt ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.dense{font-size:7.5pt;gap:3mm;padding:8mm 12mm 5mm}
.dense article dl,.dense .note,.dense th{font-size:7pt}
.dense th,.dense td{padding-top:.45mm;padding-bottom:.45mm}
.dense .triptych img{height:13mm}
.dense h1{font-size:15pt}
.dense .verdict{font-size:9pt}
.dense code,.dense .arithmetic{font-size:6.4pt}
@media print{body{background:#fff}main{margin:0}}
@media screen and (max-width:800px){main{width:auto;height:auto;margin:0;padding:20px 16px}.columns,.closing,.cards{grid-template-columns:1fr}header{flex-direction:column;align-items:flex-start}.verdict{max-width:none}th:last-child,td:last-child{display:none}body{font-size:11pt}}
`);
