#!/bin/sh
# Packages the service and has cfn-lint read the template. Needs Python 3; cfn-lint comes into a folder of its own.
set -eu
cd "$(dirname "$0")/.."
venv=.build/cfn-lint
[ -x "$venv/bin/cfn-lint" ] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check cfn-lint==1.58.0; }
[ -f .serverless/cloudformation-template-update-stack.json ] || npx serverless package
# W3005: a DependsOn that the framework writes although a reference implies it.
"$venv/bin/cfn-lint" -i W3005 -- .serverless/cloudformation-template-update-stack.json
echo "cfn-lint finds nothing"
