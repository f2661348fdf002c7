// The Azure side of aoai-bridge: one Azure OpenAI resource with its deployments and, where awsIssuer is given, an
// identity that the functions' AWS roles may use without any stored credential.
//
// The identity is a user-assigned managed identity rather than an app registration: it is an ordinary resource, which
// needs no rights in the directory and no Graph extension, and Microsoft Entra federates both alike.

@description('Name of the resource. It is the first label of its endpoint, too, so nobody else may have it.')
param name string

param location string = resourceGroup().location

@description('What to deploy. capacity is in the type\'s own unit: for most models, thousands of tokens a minute. name defaults to model.')
param deployments { name: string?, model: string, version: string, type: string, capacity: int }[] = [
  { model: 'gpt-5.4-mini', version: '2026-03-17', type: 'GlobalStandard', capacity: 100 }
  { model: 'text-embedding-3-small', version: '1', type: 'GlobalStandard', capacity: 100 }
]

@description('Issuer of the AWS account\'s web identity tokens, https://<uuid>.tokens.sts.global.api.aws. None: the functions sign in with an API key.')
param awsIssuer string = ''

@description('ARNs of the functions\' roles, as the AWS stack\'s outputs have them. At most 20.')
@maxLength(20)
param awsRoleArns string[] = []

@description('Let the identity use files and batches, too, which takes a wider role.')
param batch bool = false

var keyless = !empty(awsIssuer)

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  name: name
  location: location
  kind: 'OpenAI'
  sku: { name: 'S0' }
  properties: {
    customSubDomainName: name // Entra's tokens are not taken on a region's shared endpoint
    publicNetworkAccess: 'Enabled'
    disableLocalAuth: keyless
  }
}

// One after the other: the account refuses a change while another is under way.
@batchSize(1)
resource deployment 'Microsoft.CognitiveServices/accounts/deployments@2025-06-01' = [
  for d in deployments: {
    parent: account
    name: d.?name ?? d.model
    sku: { name: d.type, capacity: d.capacity }
    properties: { model: { format: 'OpenAI', name: d.model, version: d.version } }
  }
]

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = if (keyless) {
  name: '${name}-aws'
  location: location
}

// One after the other, for else Entra answers 409:
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
@batchSize(1)
resource trust 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = [
  for arn in awsRoleArns: if (keyless) {
    parent: identity
    name: 'aws-${uniqueString(arn)}'
    properties: { issuer: awsIssuer, subject: arn, audiences: ['api://AzureADTokenExchange'] }
  }
]

// Cognitive Services OpenAI User has no action that makes a file or a batch; OpenAI Contributor has all of OpenAI's, and
// the deployments besides. A custom role would be narrower.
var role = batch ? 'a001fd3d-188f-4b5d-821b-7da978bf7442' : '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'

resource access 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (keyless) {
  scope: account
  name: guid(account.id, identity.id, role)
  properties: {
    principalId: identity!.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}

output account string = account.name

@description('The Azure secret of the AWS side, where an API key would stand as API_KEY: secret.sh fills it in.')
output settings object = {
  resources: [
    union(
      {
        name: name
        endpoint: account.properties.endpoint
        deployments: map(deployments, d => { name: d.?name ?? d.model, model: d.model, type: d.type, capacity: d.capacity })
      },
      keyless
        ? { entra: { tenant_id: identity!.properties.tenantId, client_id: identity!.properties.clientId } }
        : { api_key: 'API_KEY' }
    )
  ]
}
