/** What a new corpus begins with, so that whoever meets the folder in a review knows what it is. */

export const GIT_ATTRIBUTES = "*.json text eol=lf\nFORMAT text eol=lf\nblobs/** binary\n";
export const GIT_IGNORE = ".tmp/\n";

export const README = `# Boundary corpus

Inputs that a classifier got wrong, collected by Blindspot. Each is a test for every later version of the model. Commit this folder.

- \`samples/\`: one small file for each sample; it never changes.
- \`events/\`: what happened to it (found, reported, judged, forgotten): one file for each event; none ever changes.
- \`blobs/\`: the inputs, as PNG images or .npy arrays, named by what they decode to.
- \`baselines/\`: the state that \`blindspot bless\` accepted, if it ever did.
- \`models/\`: the models that were attacked, their classes, and how their inputs are prepared.

All files are named by their content, so two branches merge without conflicts. Nothing is deleted because a model passes it.
\`npx blindspot corpus ls\` lists the samples, \`show ID\` tells one, \`verify\` checks every file.
`;
