import { DARK, LIGHT, variables } from "./palette.ts";

/** The one style sheet of the page. Nothing in it moves. No `style` attribute is used anywhere: the content security policy would refuse it. */
export const STYLE = `
:root{color-scheme:light dark;${variables(LIGHT)}}
@media screen and (prefers-color-scheme:dark){:root{${variables(DARK)}}}
*{box-sizing:border-box}
[hidden]{display:none!important}
html{scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}
.wide{max-width:1168px;margin-inline:auto;padding:0 24px}
h1,h2,h3,h4,p,ul,ol,dl,figure,pre{margin:0}
h1{font-size:1.9rem;line-height:1.2;font-weight:650;letter-spacing:-.015em}
h2{font-size:1.35rem;line-height:1.3;font-weight:650;letter-spacing:-.01em}
h3{font-size:1.05rem;line-height:1.4;font-weight:650}
h4{font-size:.75rem;line-height:1.4;font-weight:650;letter-spacing:.07em;text-transform:uppercase;color:var(--muted)}
p{max-width:72ch}
a{color:var(--accent);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-999px}
.skip:focus{left:8px;top:8px;padding:8px 12px;background:var(--surface);z-index:2}
.muted,.eyebrow{color:var(--muted)}
.eyebrow{font-size:.85rem;letter-spacing:.02em}
.small{font-size:.875rem}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
s,.struck{text-decoration:line-through;text-decoration-thickness:2px}
.top{padding-top:48px}
.top h1{margin:.2rem 0 .4rem}
.lead{font-size:1.35rem;line-height:1.45;max-width:46ch;margin:1.4rem 0 0;letter-spacing:-.005em}
.lead strong{font-weight:650;color:var(--wrong)}
.lead .right{color:var(--right)}
.verdict{margin-top:.8rem}
.notice{margin-top:1.2rem;padding:14px 18px;border:1px solid var(--line);border-left:4px solid var(--wrong);border-radius:6px;background:var(--surface)}
.notice.soft{border-left-color:var(--caution)}
.notice ul{margin:.3rem 0 0;padding-left:1.2rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:12px;margin:1.8rem 0 0;padding:0;list-style:none}
.tiles li{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:14px 16px}
.tiles b{display:block;font-size:1.45rem;line-height:1.25;font-weight:650;letter-spacing:-.015em}
nav{margin-top:2.4rem}
nav ul{display:flex;flex-wrap:wrap;gap:4px 20px;margin:0;padding:12px 0;border:solid var(--line);border-width:1px 0;list-style:none;font-size:.9rem}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
main>section{padding:44px 0 0}
main>section>*+*{margin-top:1rem}
section>h2+p{margin-top:.4rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:20px}
.box,.chart,.card{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:18px 20px;min-width:0}
.box>*+*{margin-top:.6rem}
figcaption{font-weight:650}
.chart svg{display:block;width:100%;max-width:520px;height:auto;margin:10px auto 0;overflow:visible}
.chart details,.chart .note{margin-top:12px}
svg text{fill:var(--text);font-size:12.5px}
svg .tick{fill:var(--muted);font-size:11.5px}
svg .strong,svg .name{font-weight:650}
.grid{stroke:var(--line);stroke-width:1;fill:none}
.threshold{stroke:var(--muted);stroke-width:1.25;stroke-dasharray:4 4;fill:none}
.line{fill:none;stroke:currentColor;stroke-width:2.25;stroke-linejoin:round}
.fill{fill:currentColor}
.mark{fill:currentColor;stroke:var(--surface);stroke-width:1}
.c-white-box{color:var(--wrong)}.c-score{color:var(--accent)}.c-label{color:var(--right)}.c-transfer{color:var(--other)}.c-clean{color:var(--muted)}.c-text{color:var(--text)}
svg .name{fill:currentColor}
summary{cursor:pointer;color:var(--accent);width:fit-content}
details[open]>summary{margin-bottom:8px}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;width:100%;font-size:.9rem;line-height:1.4}
th,td{padding:7px 12px 7px 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);font-weight:400}
th:last-child,td:last-child{padding-right:0}
thead th{font-weight:650;vertical-align:bottom;white-space:nowrap}
.n{text-align:right;white-space:nowrap}
.nowrap{white-space:nowrap}
td,th[scope=row]{min-width:5.5rem}.n{min-width:0}.wider{min-width:11rem}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.85em}
pre{padding:12px 14px;background:var(--sunken);border-radius:6px;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5}
.chip{display:inline-block;vertical-align:middle;letter-spacing:0;padding:1px 9px;border-radius:99px;font-size:.8rem;font-weight:650;line-height:1.6;white-space:nowrap;border:1px solid currentColor}
.solid{border-color:transparent;color:var(--onSolid)}
.critical.solid{background:var(--critical)}.high.solid{background:var(--wrong)}.medium.solid{background:var(--caution)}.low.solid{background:var(--accent)}.info.solid{background:var(--muted)}
.pass{color:var(--right)}.warn{color:var(--caution)}.fail{color:var(--wrong)}.skipped,.unknown{color:var(--muted)}
.matrix table{width:auto;border-collapse:separate;border-spacing:2px}
.matrix th,.matrix td{border:0;padding:4px 8px;text-align:right;vertical-align:middle;border-radius:3px;min-width:34px}
.matrix thead th{vertical-align:bottom;text-align:left;padding:4px 2px}
.matrix thead th span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:11rem;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.matrix tbody th{position:sticky;left:0;background:var(--surface);white-space:nowrap;max-width:12rem;overflow:hidden;text-overflow:ellipsis;padding-left:0;z-index:1}
.matrix td a{color:inherit;text-decoration:none;display:block}
.matrix td a:hover{text-decoration:underline}
.matrix .kept{color:var(--muted);background:var(--sunken)}
.h1{background:var(--heat1)}.h2{background:var(--heat2)}.h3{background:var(--heat3)}.h4{background:var(--heat4);color:var(--onSolid)}
.strip{display:grid;grid-template-columns:repeat(auto-fill,minmax(230px,1fr));gap:16px;padding:0;margin:1.6rem 0 0;list-style:none}
.strip li{min-width:0}
.strip a{display:block;color:inherit;text-decoration:none}
.strip .two{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:6px}
.strip span span{display:block;font-size:.875rem;line-height:1.35;margin-top:6px}
.strip b{display:block;color:var(--wrong);font-weight:650}.strip .was b{color:var(--right)}
img{display:block;width:100%;height:auto;border-radius:4px;background:var(--sunken)}
.texts p{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.875rem;white-space:pre-wrap;overflow-wrap:anywhere;max-width:none;margin-bottom:10px}
.texts ins,.texts del{text-decoration:none;border-radius:3px;padding:0 2px;font-weight:650}.texts ins{color:var(--onSolid);background:var(--wrong)}.texts del{color:var(--onSolid);background:var(--muted)}
.edits{margin:0;padding-left:1.2rem;font-size:.875rem}
.pixels{image-rendering:pixelated}
.cards{display:grid;gap:20px}
.card:target{border-color:var(--accent);box-shadow:0 0 0 2px var(--accent)}
.card header{display:flex;flex-wrap:wrap;gap:4px 12px;align-items:baseline}
.card header .id{margin-left:auto;font-size:.8rem}
.show{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:24px;margin-top:14px;align-items:start}
.shots{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:10px;max-width:620px}
.shots figcaption{font-size:.8rem;font-weight:400;color:var(--muted);margin-top:4px;line-height:1.35}
.beliefs{display:grid;gap:12px}
.bars{list-style:none;padding:0;margin:4px 0 0;display:grid;gap:6px;font-size:.875rem;line-height:1.3}
.bars li{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:1px 10px}
.bars svg{grid-column:1/-1;width:100%;height:8px;border-radius:2px;overflow:hidden}
.track{fill:var(--sunken)}rect.right{fill:var(--right)}rect.wrong{fill:var(--wrong)}
.told{display:grid;grid-template-columns:minmax(0,5fr) minmax(0,4fr) minmax(0,7fr);gap:8px 24px;margin-top:16px;padding-top:14px;border-top:1px solid var(--line);font-size:.875rem;line-height:1.45}
.told ul{margin:4px 0 0;padding:0;list-style:none;display:grid;gap:4px}
.card>details{margin-top:12px;font-size:.875rem}
.tools{display:flex;flex-wrap:wrap;gap:8px 12px;align-items:center}
input[type=search]{font:inherit;font-size:.95rem;color:inherit;background:var(--surface);border:1px solid var(--muted);border-radius:6px;padding:7px 11px;width:min(100%,22rem)}
th button{font:inherit;font-weight:650;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-align:inherit}
th button::after{content:"\\2195";color:var(--muted);padding-left:.3em;font-weight:400}
[aria-sort=ascending] button::after{content:"\\2191"}
[aria-sort=descending] button::after{content:"\\2193"}
.tall{max-height:34rem;overflow:auto;border:1px solid var(--line);border-radius:8px;background:var(--surface);padding:0 16px}
.tall thead th{position:sticky;top:0;background:var(--surface);padding-top:10px;z-index:1}
tr:target>*{background:var(--sunken)}
dl{display:grid;grid-template-columns:minmax(8rem,14rem) minmax(0,1fr);gap:6px 20px}
dt{color:var(--muted)}
dd{margin:0;overflow-wrap:anywhere}
.plain{padding-left:1.2rem}
.measures{list-style:none;padding:0;display:grid;gap:10px}
.measures pre{margin-top:6px}
footer{margin-top:56px;padding:20px 0 40px;border-top:1px solid var(--line);color:var(--muted);font-size:.875rem}
@media screen and (max-width:760px){
.wide{padding-left:16px;padding-right:16px}.top{padding-top:28px}.lead{font-size:1.15rem}h1{font-size:1.5rem}
.show,.told{grid-template-columns:minmax(0,1fr)}.shots{gap:6px}.box,.chart,.card{padding:14px}
.strip{grid-template-columns:1fr 1fr;gap:12px}.tiles{grid-template-columns:1fr 1fr}.tiles li:last-child:nth-child(odd){grid-column:span 2}.tiles b{font-size:1.3rem}
dl{grid-template-columns:minmax(0,1fr);gap:0}dd{margin-bottom:8px}.card header .id{margin-left:0}}
@media print{
body{font-size:10pt;background:none}nav,.tools,.skip{display:none}.wide{max-width:none;padding:0}main>section{padding-top:20pt}.strip{grid-template-columns:repeat(4,minmax(0,1fr))}.show{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}.tall{max-height:none;overflow:visible;border:0;padding:0}.scroll{overflow:visible}
.card,.chart,.box,tr,.tiles li{break-inside:avoid}h2,h3{break-after:avoid}a{color:inherit}
.solid{border-color:currentColor;background:none!important;color:inherit}}
`;
