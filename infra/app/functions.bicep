// The app: Flex Consumption, Python. Its settings hold no secret: storage, logs and the app
// registration are reached with the managed identity, the Salesforce key by a Key Vault reference.

@description('Required. Name of the app.')
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags.')
param tags object

@description('Required. Resource id of the managed identity.')
param identityId string

@description('Required. Client id of the managed identity.')
param identityClientId string

@description('Required. Name of the storage account.')
param storageName string

@description('Required. Blob container that the package is deployed to.')
param packageContainerUrl string

@description('Required. Where Application Insights is; no secret, since local authentication is off.')
param insightsConnectionString string

@description('Required. Subnet through which the app calls out; empty for none.')
param subnetId string

@description('Required. Sites whose pages may call the API.')
param allowedOrigins array

@description('Required. HTTP calls that one instance answers at a time.')
param httpConcurrency int

@description('Required. Instances that are kept warm for HTTP.')
param alwaysReadyInstances int

@description('Required. The most instances that Azure may start.')
param maximumInstances int

@description('Required. Memory of an instance in MB.')
param instanceMemoryMb int

@description('Required. Which CRM.')
@allowed(['dataverse', 'salesforce'])
param crm string

@description('Required. Entra tenant ids that may call, separated by commas.')
param tenants string

@description('Required. Client id of the app registration.')
param clientId string

@description('Required. Accepted token audience; empty for the default.')
param audience string

@description('Required. Seconds that one interactive request may spend waiting for services.')
param patienceSeconds int

@description('Required. True lets the app work on without the person: finish later what a CRM can\'t take now, and follow replies and changes.')
param background bool

@description('Required. Address of the storage account\'s tables.')
param ledgerUrl string

@description('Required. An Azure OpenAI resource; empty for none.')
param embeddingsUrl string

@description('Required. The embedding model\'s deployment in it.')
param embeddingsDeployment string

@description('Required. The admin\'s policy document; it needn\'t be there yet.')
param policyUrl string

@description('Required. The Dataverse environment\'s address; empty for salesforce.')
param dataverseUrl string

@description('Required. The Salesforce organisation\'s My Domain; empty for dataverse, as all below.')
param salesforceUrl string

@description('Required. Consumer key of the connected app.')
param salesforceConsumerKey string

@description('Required. For whom assertions are made.')
param salesforceLoginUrl string

@description('Required. How a caller\'s Salesforce username is made.')
param salesforceUsername string

@description('Required. Username as which the app asks for itself.')
param salesforceIntegrationUser string

@description('Required. The largest file to store, in MiB.')
param salesforceMaxFileMb int

@description('Required. File types that the organisation refuses.')
param salesforceBlockedExtensions string

@description('Required. Key Vault secret that holds the connected app\'s key.')
param salesforceKeyUri string

var crmSettings = {
  dataverse: {
    THREADLINE_DATAVERSE_URL: dataverseUrl
  }
  salesforce: {
    THREADLINE_SALESFORCE_URL: salesforceUrl
    THREADLINE_SALESFORCE_CONSUMER_KEY: salesforceConsumerKey
    THREADLINE_SALESFORCE_LOGIN_URL: salesforceLoginUrl
    THREADLINE_SALESFORCE_USERNAME: salesforceUsername
    THREADLINE_SALESFORCE_INTEGRATION_USER: salesforceIntegrationUser
    THREADLINE_SALESFORCE_MAX_FILE_MB: string(salesforceMaxFileMb)
    THREADLINE_SALESFORCE_BLOCKED_EXTENSIONS: salesforceBlockedExtensions
    THREADLINE_SALESFORCE_PRIVATE_KEY: '@Microsoft.KeyVault(SecretUri=${salesforceKeyUri})'
  }
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { tier: 'FlexConsumption', name: 'FC1' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      cors: {
        allowedOrigins: allowedOrigins
        supportCredentials: false
      }
    }
    functionAppConfig: {
      runtime: { name: 'python', version: '3.13' }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMb
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReadyInstances == 0
          ? []
          : [{ name: 'http', instanceCount: alwaysReadyInstances }]
        triggers: {
          http: { perInstanceConcurrency: httpConcurrency }
        }
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    {
      AzureWebJobsStorage__accountName: storageName
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identityClientId
      APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
      THREADLINE_CRM: crm
      THREADLINE_TENANTS: tenants
      THREADLINE_CLIENT_ID: clientId
      THREADLINE_AUDIENCE: audience
      THREADLINE_IDENTITY_CLIENT_ID: identityClientId
      THREADLINE_BACKGROUND: string(background)
      // asked of the finished app: its host name may carry a hash and the region (…-ab12.westeurope-01.azurewebsites.net)
      THREADLINE_CALLBACK_URL: background ? 'https://${app.properties.defaultHostName}/api' : ''
      THREADLINE_LEDGER: ledgerUrl
      THREADLINE_EMBEDDINGS_URL: embeddingsUrl
      THREADLINE_EMBEDDINGS_DEPLOYMENT: embeddingsDeployment
      THREADLINE_POLICY_URL: policyUrl
      THREADLINE_PATIENCE: string(patienceSeconds)
    },
    crmSettings[crm]
  )
}

resource ftpPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource scmPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

output url string = 'https://${app.properties.defaultHostName}'
