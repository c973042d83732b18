// Threadline in one resource group. This file composes; what each part is stands in app/*.bicep.

targetScope = 'subscription'

metadata description = 'Threadline: saves Outlook e-mail and meetings to Dynamics 365 or Salesforce.'

@description('Required. Name of this environment; it goes into names and tags.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Required. Azure region; it must offer Functions Flex Consumption.')
param location string

@description('Required. Which CRM.')
@allowed(['dataverse', 'salesforce'])
param crm string

@description('Required. Application (client) id of the app registration; infra/registration.py makes it.')
@minLength(36)
@maxLength(36)
param clientId string

@description('Optional. Entra tenant ids that may call, separated by commas. Default: this subscription\'s tenant.')
param tenants string = ''

@description('Optional. Accepted token audience. Default: api://<client id>.')
param audience string = ''

@description('Required for dataverse. The environment\'s address, such as https://contoso.crm.dynamics.com.')
param dataverseUrl string = ''

@description('Required for salesforce. The organisation\'s My Domain, such as https://contoso.my.salesforce.com.')
param salesforceUrl string = ''

@description('Required for salesforce. Consumer key of the connected app.')
param salesforceConsumerKey string = ''

@description('Optional. For whom Salesforce assertions are made; https://test.salesforce.com for a sandbox.')
param salesforceLoginUrl string = 'https://login.salesforce.com'

@description('Optional. A caller\'s Salesforce username, made of {upn}, {local} and {domain}; or federation. Default: {upn}.')
param salesforceUsername string = ''

@description('Optional. Salesforce username as which the app asks for itself; federation needs it.')
param salesforceIntegrationUser string = ''

@description('Optional. The largest file to store in Salesforce, in MiB.')
@minValue(1)
@maxValue(2048)
param salesforceMaxFileMb int = 100

@description('Optional. File types that the Salesforce organisation refuses, separated by commas.')
param salesforceBlockedExtensions string = ''

@description('Optional. True lets the app work on without the person: finish later what a CRM that is down can\'t take now, and follow replies, drafts and changed meetings. It needs the application permissions of docs/deploying.md.')
param background bool = false

@description('Optional. An Azure OpenAI resource of yours, such as https://contoso.openai.azure.com, by which suggestions are compared by meaning; docs/deploying.md tells what it gets and which role the app needs there.')
param embeddingsUrl string = ''

@description('Optional. The embedding model\'s deployment in it; goes with the address.')
param embeddingsDeployment string = ''

@description('Optional. Seconds that one interactive request may spend waiting for services.')
@minValue(1)
@maxValue(200)
param patienceSeconds int = 20

@description('Optional. HTTP calls that one instance answers at a time. The app waits for other services most of the time; Azure\'s own default for Python is 1.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 32

@description('Optional. Instances that are kept warm for HTTP; 0 saves their cost and lets the first call of a quiet hour wait.')
@minValue(0)
@maxValue(20)
param alwaysReadyInstances int = 1

@description('Optional. The most instances that Azure may start.')
@minValue(1)
@maxValue(1000)
param maximumInstances int = 40

@description('Optional. Memory of an instance in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMb int = 2048

@description('Optional. True puts storage and Key Vault behind private endpoints in a virtual network of their own.')
param privateNetwork bool = false

@description('Optional. Address space of that network; 26 bits or wider.')
param networkPrefix string = '10.80.0.0/24'

@description('Optional. Region of the add-in\'s static site; there are few.')
@allowed(['centralus', 'eastasia', 'eastus2', 'westeurope', 'westus2'])
param addinLocation string = 'westeurope'

@description('Optional. Who gets the alerts by e-mail; without an address they only show in the portal.')
param alertEmail string = ''

@description('Optional. Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Optional. Gigabytes of logs a day after which no more are taken.')
param logDailyCapGb int = 5

@description('Optional. Object id of the person or pipeline that deploys; gets to write the policy document and, for salesforce, the key.')
param deployerPrincipalId string = ''

@description('Optional. What the deployer is.')
@allowed(['User', 'ServicePrincipal'])
param deployerPrincipalType string = 'User'

var token = uniqueString(subscription().id, environmentName, location)
var tags = { 'azd-env-name': environmentName }
var useVault = crm == 'salesforce'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-threadline-${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  scope: group
  name: 'identity'
  params: {
    name: 'id-threadline-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'app/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    name: 'threadline-${token}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

module storage 'app/storage.bicep' = {
  scope: group
  name: 'storage'
  params: {
    name: 'tl${token}'
    location: location
    tags: tags
    isPrivate: privateNetwork
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault 'app/vault.bicep' = if (useVault) {
  scope: group
  name: 'vault'
  params: {
    name: 'kv-tl-${token}'
    location: location
    tags: tags
    isPrivate: privateNetwork
  }
}

module network 'app/network.bicep' = if (privateNetwork) {
  scope: group
  name: 'network'
  params: {
    name: 'vnet-threadline-${token}'
    location: location
    tags: tags
    prefix: networkPrefix
    storageName: storage.outputs.name
    vaultName: useVault ? 'kv-tl-${token}' : ''
  }
  dependsOn: [vault]
}

module rbac 'app/rbac.bicep' = {
  scope: group
  name: 'rbac'
  params: {
    appPrincipalId: identity.outputs.principalId
    deployerPrincipalId: deployerPrincipalId
    deployerPrincipalType: deployerPrincipalType
    storageName: storage.outputs.name
    policyContainer: storage.outputs.policyContainer
    insightsName: monitoring.outputs.insightsName
    vaultName: useVault ? 'kv-tl-${token}' : ''
  }
  dependsOn: [vault]
}

module addin 'app/addin.bicep' = {
  scope: group
  name: 'addin'
  params: {
    name: 'stapp-threadline-${token}'
    location: addinLocation
    tags: tags
  }
}

module functions 'app/functions.bicep' = {
  scope: group
  name: 'functions'
  params: {
    name: 'func-threadline-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    packageContainerUrl: storage.outputs.packageContainerUrl
    insightsConnectionString: monitoring.outputs.connectionString
    subnetId: privateNetwork ? network!.outputs.appSubnetId : ''
    allowedOrigins: [addin.outputs.url]
    httpConcurrency: httpConcurrency
    alwaysReadyInstances: alwaysReadyInstances
    maximumInstances: maximumInstances
    instanceMemoryMb: instanceMemoryMb
    crm: crm
    tenants: empty(tenants) ? tenant().tenantId : tenants
    clientId: clientId
    audience: audience
    patienceSeconds: patienceSeconds
    background: background
    ledgerUrl: storage.outputs.tablesUrl
    embeddingsUrl: embeddingsUrl
    embeddingsDeployment: embeddingsDeployment
    policyUrl: storage.outputs.policyUrl
    dataverseUrl: dataverseUrl
    salesforceUrl: salesforceUrl
    salesforceConsumerKey: salesforceConsumerKey
    salesforceLoginUrl: salesforceLoginUrl
    salesforceUsername: salesforceUsername
    salesforceIntegrationUser: salesforceIntegrationUser
    salesforceMaxFileMb: salesforceMaxFileMb
    salesforceBlockedExtensions: salesforceBlockedExtensions
    salesforceKeyUri: useVault ? vault!.outputs.salesforceKeyUri : ''
  }
  dependsOn: [rbac]
}

module alerts 'app/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    email: alertEmail
  }
}

output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output THREADLINE_API_URL string = '${functions.outputs.url}/api'
output THREADLINE_ADDIN_URL string = addin.outputs.url
output THREADLINE_ADDIN_NAME string = addin.outputs.name
output THREADLINE_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output THREADLINE_STORAGE_NAME string = storage.outputs.name
output THREADLINE_VAULT_NAME string = useVault ? 'kv-tl-${token}' : ''
