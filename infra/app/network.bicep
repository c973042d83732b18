// Optional: storage and Key Vault are reached through private endpoints only. The app itself stays
// public, since Outlook and Graph's notifications come from outside.

@description('Required. Name of the virtual network.')
param name string

@description('Required. Azure region.')
param location string

@description('Required. Tags.')
param tags object

@description('Required. Address space; 26 bits or wider.')
param prefix string

@description('Required. Name of the storage account.')
param storageName string

@description('Required. Name of the Key Vault; empty where there is none.')
param vaultName string

var storageParts = map(['blob', 'queue', 'table'], part => {
  name: part
  group: part
  zone: 'privatelink.${part}.${environment().suffixes.storage}'
  target: resourceId('Microsoft.Storage/storageAccounts', storageName)
})
var vaultParts = empty(vaultName)
  ? []
  : [
      {
        name: 'vault'
        group: 'vault'
        zone: 'privatelink.vaultcore.azure.net'
        target: resourceId('Microsoft.KeyVault/vaults', vaultName)
      }
    ]
var parts = concat(storageParts, vaultParts)

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [prefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(prefix, 27, 0)
          delegations: [
            {
              name: 'functions'
              properties: { serviceName: 'Microsoft.App/environments' }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: { addressPrefix: cidrSubnet(prefix, 27, 1) }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2020-06-01' = [
  for part in parts: {
    name: part.zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [
  for (part, index) in parts: {
    parent: zones[index]
    name: 'threadline'
    location: 'global'
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: network.id }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [
  for part in parts: {
    name: 'pe-${part.name}-${name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: '${network.id}/subnets/endpoints' }
      privateLinkServiceConnections: [
        {
          name: part.name
          properties: {
            privateLinkServiceId: part.target
            groupIds: [part.group]
          }
        }
      ]
    }
  }
]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [
  for (part, index) in parts: {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: part.name
          properties: { privateDnsZoneId: zones[index].id }
        }
      ]
    }
  }
]

output appSubnetId string = '${network.id}/subnets/app'
