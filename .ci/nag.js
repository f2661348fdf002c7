// Holds CloudFormation templates against the AWS Solutions rules of cdk-nag, except for what their resources' metadata name
// with a reason:
//
//	NODE_PATH=... node .ci/nag.js plain.json everything.json        every finding on a line; exit status 1 if there is one

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { App, Aspects, Stack } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { AwsSolutionsChecks } = require("cdk-nag");

const outdir = fs.mkdtempSync(path.join(os.tmpdir(), "nag-"));
let findings = 0;
let suppressed = 0;

function report(file, data, what) {
  findings++;
  console.error(`${path.basename(file)}: ${data.resource.node.id}: ${data.ruleId} ${data.findingId ?? ""} ${what}`);
}

for (const file of process.argv.slice(2)) {
  const app = new App({ outdir });
  new CfnInclude(new Stack(app, path.parse(file).name), "template", { templateFile: file });
  const logger = {
    onCompliance() {},
    onNotApplicable() {},
    onNonCompliance: (data) => report(file, data, data.ruleInfo),
    onError: (data) => report(file, data, `could not be checked: ${data.errorMessage}`),
    onSuppressed: () => suppressed++,
    onSuppressedError: () => suppressed++,
  };
  Aspects.of(app).add(new AwsSolutionsChecks({ reports: false, additionalLoggers: [logger] }));
  app.synth();
}
fs.rmSync(outdir, { recursive: true });
console.log(`cdk-nag: ${findings} findings, ${suppressed} suppressed with a reason`);
process.exitCode = findings > 0 ? 1 : 0;
