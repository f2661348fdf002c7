#!/usr/bin/env bash
# Prints the Azure secret of the AWS side, as main.bicep's outputs have it: secret.sh RESOURCE_GROUP [DEPLOYMENT]
# It is meant for a pipe. Without federation there is an API key in it.
set -euo pipefail
group=${1:?usage: secret.sh RESOURCE_GROUP [DEPLOYMENT]}
deployment=${2:-main}

output() { # output <name> <format>
	az deployment group show --resource-group "$group" --name "$deployment" --query "properties.outputs.$1.value" --output "$2"
}

settings=$(output settings json)
if [[ $settings == *'"API_KEY"'* ]]; then
	account=$(output account tsv)
	key=$(az cognitiveservices account keys list --resource-group "$group" --name "$account" --query key1 --output tsv)
	settings=${settings/API_KEY/"$key"} # by the shell itself, since a process's arguments are no secret
fi
printf '%s\n' "$settings"
