// Keeps the private key of the Salesforce connected app and nothing else. The key is put in by hand
// (docs/deploying.md), so that it is in no template, parameter or deployment log.

@description('Required. Name of the vault.')
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags.')
param tags object

@description('Required. True closes the public endpoint.')
param isPrivate bool

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 7
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

output salesforceKeyUri string = '${vault.properties.vaultUri}secrets/salesforce-key'
